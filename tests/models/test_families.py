"""The heads on causal and encoder-decoder backbones against transformers' own classes."""

import numpy as np
import pytest
import torch
from transformers import (
    CONFIG_MAPPING,
    AutoModel,
    AutoModelForMultipleChoice,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedConfig,
)

from stilts_repro.data.features import Features, collate
from stilts_repro.errors import InputError
from stilts_repro.machine import Machine
from stilts_repro.models.backbone import Pooler, load_backbone, save_backbone
from stilts_repro.models.families import (
    DECODER,
    ENCODER,
    ENCODER_DECODER,
    family_of,
    read,
    read_in,
)
from stilts_repro.models.multitask import MultiTaskModel, mean_pooled, set_dropout
from stilts_repro.models.ways import way_of
from stilts_repro.training.loop import TrainingTask, train
from stilts_repro.training.optimiser import Recipe

CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.mark.parametrize("kind", ["roberta", "t5", "bart"])
def test_no_dropout_is_none_anywhere(started, batch_of, kind):
    """T5's attention keeps its rate as a number, and so does all of BART's class."""
    model, batch = started(kind).train(), batch_of()
    with torch.no_grad():
        assert not torch.equal(model("nli", batch), model("nli", batch))
        set_dropout(model, 0.0)
        assert torch.equal(model("nli", batch), model("nli", batch))
    model.eval()


GROUPS = {"nli": 1, "choice": 2, "tags": 1, "spans": 1}
# By task: the class (for want of one for multiple choice, classification with one label); by
# family: its linear layer, and its pooler's where it has that.
CLASSES = {
    "nli": (AutoModelForSequenceClassification, 3),
    "choice": (AutoModelForSequenceClassification, 1),
    "tags": (AutoModelForTokenClassification, 5),
    "spans": (AutoModelForQuestionAnswering, 2),
}
_CAUSAL = {"nli": "score", "choice": "score", "tags": "score", "spans": "qa_outputs"}
_T5 = {
    "nli": "classification_head.out_proj",
    "choice": "classification_head.out_proj",
    "tags": "classifier",
    "spans": "qa_outputs",
}
_XLMR = {**_T5, "nli": "classifier.out_proj", "choice": "classifier"}
LINEAR = {
    "xlm-roberta": _XLMR,
    "qwen3": _CAUSAL,
    "llama": _CAUSAL,
    "gpt2": {**_CAUSAL, "tags": "classifier"},
    "mt5": _T5,
    "t5": _T5,
    "bart": {task: _T5[task] for task in ("nli", "choice", "spans")},
}
DENSE = {"xlm-roberta": "classifier.dense", "bart": "classification_head.dense"}
DENSE |= {"mt5": DENSE["bart"], "t5": DENSE["bart"]}
CHOOSING = ("xlm-roberta", "choice")  # the only one here of which there is a class
KINDS = [(kind, task) for kind, layers in LINEAR.items() for task in layers]


def theirs(kind, task, path):
    cls, labels = CLASSES[task]
    if (kind, task) == CHOOSING:
        cls = AutoModelForMultipleChoice
    torch.manual_seed(5)
    model = cls.from_pretrained(path, num_labels=labels).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if LINEAR[kind][task] in name:  # logits large enough to tell apart
                parameter.normal_(0, 0.5)
    return model


def same(ours, layer):
    ours.load_state_dict(layer.state_dict())


@torch.no_grad()
@pytest.mark.parametrize(("kind", "task"), KINDS)
def test_a_head_is_transformers_own(saved, formats, batch_of, kind, task):
    reference = theirs(kind, task, saved(kind))
    model = MultiTaskModel.fresh(load_backbone(str(saved(kind)), 0), formats, seed=3).eval()
    same(model.heads[task].linear, reference.get_submodule(LINEAR[kind][task]))
    if task in ("nli", "choice") and kind in DENSE and (kind, task) != CHOOSING:
        same(model.backbone.pooler.dense, reference.get_submodule(DENSE[kind]))
    batch = batch_of((9, 5, 12, 3, 12, 7), GROUPS[task])
    ids, mask = batch.input_ids, batch.attention_mask
    if (kind, task) == CHOOSING:
        ids, mask = (side.view(-1, 2, side.shape[-1]) for side in (ids, mask))
    output = reference(input_ids=ids, attention_mask=mask)
    logits = model(task, batch)
    if task == "spans":
        expected = torch.stack([output.start_logits, output.end_logits], dim=-1)
        assert (logits[mask == 0] == float("-inf")).all()
    else:
        expected = output.logits.view(logits.shape)
    if task in ("tags", "spans"):
        logits, expected = logits[mask == 1], expected[mask == 1]
    assert logits.std() > 1e-2
    torch.testing.assert_close(logits, expected, **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("task", GROUPS)
@pytest.mark.parametrize("kind", ["qwen3", "mt5", "bart", "distilbert"])
def test_padding_changes_nothing(started, batch_of, kind, task):
    model, group = started(kind), GROUPS[task]
    lengths = (4, 5, 3, 6, 30, 28)
    together = model(task, batch_of(lengths, group))
    for unit in range(len(lengths) // group):
        alone = model(task, batch_of(lengths, group, [unit]))
        there = together[unit : unit + 1]
        there = there[:, : alone.shape[1]] if alone.dim() == 3 else there
        torch.testing.assert_close(alone, there, **CLOSE)


# Which family ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "kinds"),
    [
        (
            ENCODER,
            ("xlm-roberta", "bert", "distilbert", "deberta-v2", "modernbert", "canine"),
        ),
        (DECODER, ("qwen2", "qwen3", "llama", "gemma2", "mistral", "gpt2", "bloom", "opt")),
        (ENCODER_DECODER, ("t5", "mt5", "umt5", "bart", "mbart")),
    ],
)
def test_a_family_is_told_by_transformers_tables(family, kinds):
    assert all(family_of(CONFIG_MAPPING[kind]()) is family for kind in kinds)


def test_a_type_that_transformers_does_not_know_is_an_encoder():
    class NewConfig(PreTrainedConfig):
        model_type = "new"

    assert family_of(NewConfig()) is ENCODER


@pytest.mark.parametrize(
    ("kind", "pooler"), [("xlm-roberta", "its own"), ("distilbert", "ours"), ("mt5", "ours")]
)
def test_a_pooler_is_added_where_the_class_has_none(saved, kind, pooler):
    backbone = load_backbone(str(saved(kind)), 0)
    assert isinstance(backbone.pooler, Pooler) == (pooler == "ours")


def test_a_causal_model_has_no_pooler(saved):
    assert not hasattr(load_backbone(str(saved("qwen3")), 0), "pooler")


# What is pooled ----------------------------------------------------------------------------------


def states(backbone, batch):
    return backbone(batch.input_ids, batch.attention_mask).last_hidden_state


@torch.no_grad()
def test_without_an_own_pooler_the_first_token_is_pooled(saved, batch_of):
    backbone, batch = load_backbone(str(saved("distilbert")), 0).eval(), batch_of()
    expected = torch.tanh(backbone.pooler.dense(states(backbone, batch)[:, 0]))
    torch.testing.assert_close(read(backbone, batch, "sequence"), expected, **CLOSE)


@torch.no_grad()
def test_an_own_pooler_runs_once(saved, batch_of, monkeypatch):
    backbone, batch = load_backbone(str(saved("xlm-roberta")), 0).eval(), batch_of()
    calls = []
    backbone.pooler.register_forward_hook(lambda *_: calls.append(1))
    pooled = read(backbone, batch, "sequence")
    assert len(calls) == 1
    assert torch.equal(pooled, backbone.pooler(states(backbone, batch)))


@torch.no_grad()
def test_a_causal_model_is_pooled_at_its_last_real_token(saved, batch_of):
    backbone, batch = load_backbone(str(saved("qwen3")), 0).eval(), batch_of((9, 5, 12))
    expected = states(backbone, batch)[torch.arange(3), torch.tensor([8, 4, 11])]
    assert torch.equal(read(backbone, batch, "sequence"), expected)


def sequences_of(*ids):
    return collate(Features.of(list(ids)), np.arange(len(ids)), 1)


@torch.no_grad()
def test_a_decoder_is_pooled_at_the_last_end_token_else_at_the_last_real_one(saved):
    backbone = load_backbone(str(saved("mt5")), 0).eval()
    batch = sequences_of([0, 7, 2, 8, 2, 9], [0, 7, 8], [2, 5])
    decoded = read(backbone, batch, "span")
    expected = torch.tanh(backbone.pooler.dense(decoded[torch.arange(3), torch.tensor([4, 2, 0])]))
    torch.testing.assert_close(read(backbone, batch, "sequence"), expected, **CLOSE)


@torch.no_grad()
def test_tokens_are_read_off_the_encoder_alone(saved, batch_of):
    backbone, batch = load_backbone(str(saved("mt5")), 0).eval(), batch_of()
    encoded = backbone.encoder(batch.input_ids, batch.attention_mask).last_hidden_state
    assert torch.equal(read(backbone, batch, "token"), encoded)
    last = mean_pooled(backbone, batch, [backbone.config.num_hidden_layers])[0]
    mask = batch.attention_mask.unsqueeze(-1)
    torch.testing.assert_close(last, (encoded * mask).sum(1) / mask.sum(1), **CLOSE)


@torch.no_grad()
def test_all_layers_of_a_causal_model_can_be_pooled(saved, batch_of):
    backbone = load_backbone(str(saved("qwen3")), 0).eval()
    assert mean_pooled(backbone, batch_of(), range(3)).shape == (3, 4, 32)


# Training ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["qwen3", "mt5", "distilbert"])
def test_every_family_trains(saved, formats, kind):
    rng = np.random.default_rng(0)
    ids = [[0, *rng.integers(5, 100, 4), 2] for _ in range(32)]
    labels = [s[1] % 3 for s in ids]
    features = Features.of(ids, unit={"label": labels})
    model = MultiTaskModel.fresh(load_backbone(str(saved(kind)), 0), {"nli": formats["nli"]}, 0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    task = TrainingTask(features, Recipe(learning_rate=3e-3, batch_size=8, epochs=12))
    log = train(model, {"nli": task}, 1, 0, "test", Machine())
    assert np.mean(log.losses[-8:]) < np.mean(log.losses[:8]) - 0.1
    moved = {n for n, v in model.state_dict().items() if not torch.equal(v, before[n])}
    assert ("backbone.pooler.dense.weight" in moved) == (kind != "qwen3")


def test_a_plain_auto_model_of_each_family_loads_what_is_loaded_here(saved):
    for kind in ("qwen3", "mt5", "distilbert"):
        plain = AutoModel.from_pretrained(saved(kind)).state_dict()
        ours = load_backbone(str(saved(kind)), 0).state_dict()
        assert all(torch.equal(ours[name], value) for name, value in plain.items())


# Read in another way -----------------------------------------------------------------------------


def tokens_of(backbone, batch):
    return read(backbone.eval(), batch, "token")


@torch.no_grad()
@pytest.mark.parametrize(("way", "sees"), [("", False), ("unmasked", True), ("repeated", True)])
def test_in_some_ways_a_decoders_token_sees_those_after_it(saved, batch_of, way, sees):
    backbone = load_backbone(str(saved("llama")), 0)
    read_in(backbone, way)
    batch = batch_of((9, 5))
    before = tokens_of(backbone, batch)
    assert before.shape[:2] == batch.input_ids.shape
    batch.input_ids[:, 4] = 11
    after = tokens_of(backbone, batch)
    assert torch.allclose(before[:, 0], after[:, 0], atol=1e-6) != sees
    assert not torch.allclose(before[:, 4], after[:, 4], atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("way", ["unmasked", "repeated"])
def test_padding_changes_nothing_in_another_way(saved, batch_of, way):
    backbone = load_backbone(str(saved("llama")), 0)
    read_in(backbone, way)
    together, alone = batch_of((9, 5)), batch_of((9, 5), 1, [1])
    torch.testing.assert_close(
        tokens_of(backbone, together)[1:, :5], tokens_of(backbone, alone), **CLOSE
    )
    pooled = mean_pooled(backbone, together, [0, 1])
    torch.testing.assert_close(pooled[:, 1:], mean_pooled(backbone, alone, [0, 1]), **CLOSE)


@torch.no_grad()
def test_an_encoder_decoder_can_be_read_by_its_encoder(saved, batch_of):
    backbone = load_backbone(str(saved("t5")), 0).eval()
    read_in(backbone, "encoder")
    batch = batch_of((9, 5))
    asked = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    encoded = backbone.get_encoder()(**asked).last_hidden_state
    for reading in ("token", "span"):
        torch.testing.assert_close(read(backbone, batch, reading), encoded)
    expected = backbone.pooler(encoded)
    torch.testing.assert_close(read(backbone, batch, "sequence"), expected)


@pytest.mark.parametrize(
    ("kind", "way"), [("llama", "unmasked"), ("llama", "repeated"), ("t5", "encoder")]
)
def test_a_way_stays_with_what_is_saved(saved, tmp_path, tokenizer, kind, way):
    backbone = load_backbone(str(saved(kind)), 0)
    read_in(backbone, way)
    save_backbone(backbone, tmp_path, tokenizer)
    again = load_backbone(str(tmp_path), 0)
    assert way_of(again.config) == way
    read_in(again, way)  # phase (iii) asks for it too, of what phase (ii) has left


@pytest.mark.parametrize(
    ("kind", "way"), [("xlm-roberta", "unmasked"), ("t5", "repeated"), ("llama", "encoder")]
)
def test_a_way_that_a_family_has_not_is_one_line(saved, kind, way):
    with pytest.raises(InputError, match=rf"a model of type '{kind}': '{way}' needs"):
        read_in(load_backbone(str(saved(kind)), 0), way)
