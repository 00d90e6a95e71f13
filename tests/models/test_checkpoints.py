"""A target saved as transformers' own class, and read by it."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForMultipleChoice,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from stilts_repro.data.features import Features, collate
from stilts_repro.errors import InputError
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.checkpoints import save_target, target_class
from stilts_repro.models.multitask import MultiTaskModel

CLOSE = {"rtol": 0, "atol": 1e-5}
CLASSES = {
    "nli": AutoModelForSequenceClassification,
    "choice": AutoModelForMultipleChoice,
    "tags": AutoModelForTokenClassification,
    "spans": AutoModelForQuestionAnswering,
}
LABELS = {
    "nli": ["entailment", "neutral", "contradiction"],
    "choice": ["choice"],
    "tags": ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"],
    "spans": ["start", "end"],
}
KINDS = {
    **{kind: tuple(CLASSES) for kind in ("xlm-roberta", "bert")},
    **dict.fromkeys(("qwen3", "llama", "gpt2", "mt5", "t5"), ("nli", "tags", "spans")),
    "bart": ("nli", "spans"),
    "distilbert": ("tags", "spans"),
    "electra": ("tags", "spans"),
}


@torch.no_grad()
@pytest.mark.parametrize(("kind", "task"), [(kind, t) for kind, ts in KINDS.items() for t in ts])
def test_plain_transformers_predicts_the_same(
    started, tokenizer, batch_of, comparable, tmp_path, kind, task
):
    model = started(kind)
    save_target(model, task, tmp_path, tokenizer)
    theirs, said = CLASSES[task].from_pretrained(tmp_path, output_loading_info=True)
    assert not any(said.values()), said
    batch = batch_of((9, 5, 12, 3), 2 if task == "choice" else 1)
    ids, mask = batch.input_ids, batch.attention_mask
    if task == "choice":
        ids, mask = (side.view(2, 2, -1) for side in (ids, mask))
    output = theirs.eval()(input_ids=ids, attention_mask=mask)
    logits, expected = comparable(task, model(task, batch), output, mask)
    assert logits.std() > 1e-2
    torch.testing.assert_close(logits, expected, **CLOSE)

    config = json.loads((tmp_path / "config.json").read_text())
    assert config["architectures"] == [type(theirs).__name__]
    assert list(theirs.config.id2label.values()) == LABELS[task]
    assert theirs.config.label2id == {label: n for n, label in enumerate(LABELS[task])}
    assert theirs.config.num_labels == len(LABELS[task])
    assert {file.suffix for file in tmp_path.iterdir()} <= {".json", ".safetensors"}
    assert (
        AutoTokenizer.from_pretrained(tmp_path)("he")["input_ids"] == tokenizer("he")["input_ids"]
    )


@pytest.mark.parametrize(
    ("kind", "task"), [("qwen3", "choice"), ("mt5", "choice"), ("bart", "tags")]
)
def test_where_transformers_has_no_class_it_says_so(started, tokenizer, tmp_path, kind, task):
    model = started(kind)
    assert target_class(model.backbone.config, model.formats[task]) is None
    with pytest.raises(InputError, match=f"{task}: transformers has no class for .*'{kind}'"):
        save_target(model, task, tmp_path / "target", tokenizer)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("kind", ["distilbert", "electra"])
def test_a_class_that_computes_something_else_is_not_written(started, tokenizer, tmp_path, kind):
    """Their classification has a dense layer as ours, but with another activation after it."""
    with pytest.raises(InputError, match="ForSequenceClassification does not compute what"):
        save_target(started(kind), "nli", tmp_path / "target", tokenizer)
    assert not (tmp_path / "target").exists()


def test_saving_leaves_the_model_and_the_random_stream_alone(started, tokenizer, tmp_path):
    model = started("xlm-roberta").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    said = model.backbone.config.to_dict()
    torch.manual_seed(1)
    first = torch.rand(3)
    torch.manual_seed(1)
    save_target(model, "nli", tmp_path, tokenizer)
    assert torch.equal(torch.rand(3), first)
    assert model.training
    assert model.backbone.config.to_dict() == said
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@torch.no_grad()
def test_a_causal_model_that_ends_sequences_with_its_padding(saved, formats, tokenizer, tmp_path):
    """Qwen's base models do, and their configuration does not say so; only the tokenizer does."""
    path = shutil.copytree(saved("qwen3"), tmp_path / "base")
    said = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(said | {"pad_token_id": None, "eos_token_id": 1}))
    model = MultiTaskModel.fresh(load_backbone(str(path), 0), formats, 3).eval()
    assert model.backbone.config.pad_token_id == tokenizer.pad_token_id == 1
    save_target(model, "nli", tmp_path / "target", tokenizer)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path / "target").eval()
    features = Features.of([[0, 7, 8, 1], [0, 9, 1]])
    batch = collate(features, np.arange(2), 1)
    expected = theirs(batch.input_ids, batch.attention_mask).logits
    torch.testing.assert_close(model("nli", batch), expected, **CLOSE)
