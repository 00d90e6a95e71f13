"""Heads against transformers' own classes with the same weights, and what a fresh head is."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AutoModel,
    XLMRobertaForMultipleChoice,
    XLMRobertaForQuestionAnswering,
    XLMRobertaForSequenceClassification,
    XLMRobertaForTokenClassification,
)

from stilts_repro.data.features import TOKEN_PADDING, Features, collate
from stilts_repro.models.backbone import load_backbone, save_backbone
from stilts_repro.models.multitask import MultiTaskModel, make_head, mean_pooled
from stilts_repro.tasks.training_sets import TRAINING_SETS

PAD = 1
FORMATS = {
    name: TRAINING_SETS[name].format for name in ("mnli", "hellaswag", "panx_en", "squad_v1")
}
CLOSE = {"rtol": 0, "atol": 1e-5}


def sequences(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [[0, *rng.integers(5, 100, n - 2), 2] for n in lengths]


def batch_of(lengths=(9, 5, 12, 7), group=1, units=None):
    ids = sequences(lengths)
    features = Features.of(
        ids,
        group=group,
        token={"label": [[TOKEN_PADDING, *[3] * (len(s) - 2), TOKEN_PADDING] for s in ids]},
        unit={
            "label": [i % 2 for i in range(len(ids) // group)],
            "start": [1] * (len(ids) // group),
            "end": [2] * (len(ids) // group),
        },
    )
    units = range(len(features)) if units is None else units
    return collate(features, np.array(list(units)), PAD)


@pytest.fixture(scope="module")
def model(tiny_model):
    return MultiTaskModel.fresh(load_backbone(str(tiny_model), 0), FORMATS, seed=3).eval()


def reference(cls, tiny_model, **config):
    """A model of transformers on the same encoder, with logits large enough to tell apart."""
    torch.manual_seed(5)
    return cls.from_pretrained(tiny_model, **config).eval()


def same_linear(ours, theirs):
    with torch.no_grad():
        ours.weight.copy_(theirs.weight)
        ours.bias.copy_(theirs.bias)


def apart(logits):
    """Guard: a test of equality says nothing where all logits are about the same."""
    return logits[logits > -1e4].std() > 1e-2


@torch.no_grad()
def test_classification_is_transformers_classification(model, tiny_model):
    theirs = reference(XLMRobertaForSequenceClassification, tiny_model, num_labels=3)
    head = model.heads["mnli"]
    theirs.classifier.dense.weight.copy_(model.backbone.pooler.dense.weight)
    theirs.classifier.dense.bias.copy_(model.backbone.pooler.dense.bias)
    torch.nn.init.normal_(theirs.classifier.out_proj.bias)
    same_linear(head.linear, theirs.classifier.out_proj)
    batch = batch_of()
    output = theirs(batch.input_ids, batch.attention_mask, labels=batch.unit["label"])
    logits = model("mnli", batch)
    assert logits.shape == (4, 3)
    assert apart(logits)
    torch.testing.assert_close(logits, output.logits, **CLOSE)
    torch.testing.assert_close(model.loss("mnli", batch), output.loss, **CLOSE)


@torch.no_grad()
def test_multiple_choice_is_transformers_multiple_choice(model, tiny_model):
    theirs = reference(XLMRobertaForMultipleChoice, tiny_model)
    torch.nn.init.normal_(theirs.classifier.bias)
    same_linear(model.heads["hellaswag"].linear, theirs.classifier)
    batch = batch_of((9, 5, 12, 7, 6, 6, 8, 3), group=4)
    ids, mask = (side.view(2, 4, -1) for side in (batch.input_ids, batch.attention_mask))
    output = theirs(input_ids=ids, attention_mask=mask, labels=batch.unit["label"])
    logits = model("hellaswag", batch)
    assert logits.shape == (2, 4)
    assert apart(logits)
    torch.testing.assert_close(logits, output.logits, **CLOSE)
    torch.testing.assert_close(model.loss("hellaswag", batch), output.loss, **CLOSE)


@torch.no_grad()
def test_tagging_is_transformers_token_classification(model, tiny_model):
    theirs = reference(XLMRobertaForTokenClassification, tiny_model, num_labels=7)
    torch.nn.init.normal_(theirs.classifier.bias)
    same_linear(model.heads["panx_en"].linear, theirs.classifier)
    batch = batch_of()
    output = theirs(batch.input_ids, batch.attention_mask, labels=batch.token["label"])
    logits = model("panx_en", batch)
    assert logits.shape == (4, 12, 7)
    assert apart(logits)
    torch.testing.assert_close(logits, output.logits, **CLOSE)
    torch.testing.assert_close(model.loss("panx_en", batch), output.loss, **CLOSE)


@torch.no_grad()
def test_spans_are_transformers_question_answering(model, tiny_model):
    theirs = reference(XLMRobertaForQuestionAnswering, tiny_model)
    torch.nn.init.normal_(theirs.qa_outputs.bias)
    same_linear(model.heads["squad_v1"].linear, theirs.qa_outputs)
    batch = batch_of()
    output = theirs(batch.input_ids, batch.attention_mask)
    logits = model("squad_v1", batch)
    real = batch.attention_mask.bool()
    assert logits.shape == (4, 12, 2)
    assert apart(logits)
    torch.testing.assert_close(logits[..., 0][real], output.start_logits[real], **CLOSE)
    torch.testing.assert_close(logits[..., 1][real], output.end_logits[real], **CLOSE)
    assert (logits[~real] == float("-inf")).all()
    full = batch_of((6, 6, 6))  # without padding, which transformers lets be chosen
    positions = {"start_positions": full.unit["start"], "end_positions": full.unit["end"]}
    expected = theirs(full.input_ids, full.attention_mask, **positions).loss
    torch.testing.assert_close(model.loss("squad_v1", full), expected, **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("task", FORMATS)
def test_padding_changes_nothing(model, task):
    group = 4 if task == "hellaswag" else 1
    lengths = (4, 5, 3, 6, 30, 28, 30, 29)
    together = model(task, batch_of(lengths, group))
    for unit in range(len(lengths) // group):
        batch = batch_of(lengths, group, [unit])
        alone = model(task, batch)
        there = together[unit : unit + 1]
        if task in ("panx_en", "squad_v1"):
            there = there[:, : alone.shape[1]]
        torch.testing.assert_close(alone, there, **CLOSE)


@torch.no_grad()
def test_a_word_without_a_tag_has_no_loss(model):
    batch = batch_of((6, 4))
    logits = model("panx_en", batch)
    log_p = logits.log_softmax(-1)
    expected = -torch.cat([log_p[0, 1:5, 3], log_p[1, 1:3, 3]]).mean()
    torch.testing.assert_close(model.heads["panx_en"].loss(logits, batch), expected, **CLOSE)


# Fresh heads --------------------------------------------------------------------------------------


def heads(model):
    return {name: value.clone() for name, value in model.heads.state_dict().items()}


def test_heads_are_drawn_from_seed_and_task_alone(tiny_model):
    backbone = load_backbone(str(tiny_model), 0)
    first = heads(MultiTaskModel.fresh(backbone, FORMATS, seed=1))
    torch.rand(17)  # whatever was drawn before
    other = load_backbone(str(tiny_model), 9)
    alone = heads(MultiTaskModel.fresh(other, {"squad_v1": FORMATS["squad_v1"]}, seed=1))
    assert torch.equal(alone["squad_v1.linear.weight"], first["squad_v1.linear.weight"])
    backwards = dict(reversed(FORMATS.items()))
    again = heads(MultiTaskModel.fresh(backbone, backwards, seed=1))
    assert all(torch.equal(again[name], value) for name, value in first.items())
    unlike = heads(MultiTaskModel.fresh(backbone, FORMATS, seed=2))
    assert not any(
        torch.equal(unlike[name], value) for name, value in first.items() if "weight" in name
    )


def test_the_name_of_the_task_is_part_of_the_seed(tiny_model):
    backbone, nli = load_backbone(str(tiny_model), 0), FORMATS["mnli"]
    found = heads(MultiTaskModel.fresh(backbone, {"mnli": nli, "xnli": nli}, seed=1))
    assert not torch.equal(found["mnli.linear.weight"], found["xnli.linear.weight"])


def test_fresh_heads_are_normal_with_the_models_deviation():
    head = make_head(FORMATS["panx_en"], 4096, 0.1, 0.05, seed=0)
    assert head.linear.weight.std().item() == pytest.approx(0.05, rel=0.02)
    assert head.linear.weight.mean().abs() < 1e-3
    assert not head.linear.bias.any()
    assert head.dropout.p == 0.1


def test_dropout_comes_from_the_backbones_configuration(tiny_model):
    backbone = load_backbone(str(tiny_model), 0)
    backbone.config.hidden_dropout_prob = 0.3
    model = MultiTaskModel.fresh(backbone, FORMATS, seed=1)
    assert {head.dropout.p for head in model.heads.values()} == {0.3}


# The backbone between phases ----------------------------------------------------------------------


@torch.no_grad()
def test_a_saved_backbone_is_a_plain_hugging_face_model(tiny_model, tokenizer, tmp_path: Path):
    model = MultiTaskModel.fresh(load_backbone(str(tiny_model), 0), FORMATS, seed=1).eval()
    for parameter in model.backbone.parameters():  # as after a training
        parameter.add_(torch.randn_like(parameter) * 0.05)
    save_backbone(model.backbone, tmp_path / "b", tokenizer)
    assert {path.suffix for path in (tmp_path / "b").iterdir()} <= {".json", ".safetensors"}
    batch = batch_of()
    ours = model.backbone(batch.input_ids, batch.attention_mask)
    for loaded in (
        AutoModel.from_pretrained(tmp_path / "b"),
        load_backbone(str(tmp_path / "b"), 8),
    ):
        theirs = loaded.eval()(batch.input_ids, batch.attention_mask)
        assert torch.equal(ours.last_hidden_state, theirs.last_hidden_state)
        assert torch.equal(ours.pooler_output, theirs.pooler_output)
    assert not torch.equal(
        ours.pooler_output,
        AutoModel.from_pretrained(tiny_model)
        .eval()(batch.input_ids, batch.attention_mask)
        .pooler_output,
    )


@torch.no_grad()
def test_mean_pooling_is_the_mean_of_real_tokens(tiny_model):
    backbone = load_backbone(str(tiny_model), 0).eval()
    lengths, layers = (9, 3, 12), (2, 0, 1)
    pooled = mean_pooled(backbone, batch_of(lengths), layers)
    assert pooled.shape == (3, 3, 32)
    for place, layer in enumerate(layers):
        for row, ids in enumerate(sequences(lengths)):
            alone = backbone(torch.tensor([ids]), output_hidden_states=True).hidden_states[layer][0]
            mean = sum(alone) / len(ids)
            torch.testing.assert_close(pooled[place, row], mean, **CLOSE)
