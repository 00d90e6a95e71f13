"""Logits of rows, as our formats and batches give them to a model, next to transformers' own.

Its class with the same weights reads what its tokenizer makes of the same texts: ids, segments,
mask and (by the logits) positions are then its own.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stilts_repro.data.features import SEGMENT, collate
from stilts_repro.models import attention
from stilts_repro.models.attention import NAMES, inputs, ready
from stilts_repro.models.checkpoints import as_transformers
from stilts_repro.models.multitask import mean_pooled
from stilts_repro.tasks.classification import Pair
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.multiple_choice import Choices
from stilts_repro.tasks.retrieval import Retrieval
from stilts_repro.tasks.span import Question
from stilts_repro.tasks.tagging import Tagged
from tests.tokenizing import made

CLOSE = {"rtol": 0, "atol": 1e-5}
WHOLE = Limits(60, max_question=60)
MODELS = [
    *(("unigram", "xlm-roberta"), ("cased", "bert"), ("uncased", "bert"), ("cased", "electra")),
    *(("bytes", "roberta"), ("bytes_prefix", "roberta"), ("bytes", "bart"), ("t5", "t5")),
    ("causal", "qwen3"),
]
PAIRS = [("People in Berlin", "can read"), ("", "café Huế"), ("2020 books (and more)", "Don't")]
WORDS = [["People", "in", "Berlin", "can"], ["2020"], ["Don't", "they", ",", "café"]]
FORMS = {
    "nli": [Pair(a, b, 0) for a, b in PAIRS],
    "choice": [Choices(PAIRS[0][0], ("can read", "", "café Huế", "hát"), 0)] * 2,
    "spans": [Question(str(n), a, b, ((b[:2], 0),)) for n, (a, b) in enumerate(PAIRS)],
    "tags": [Tagged(tuple(words), ("O",) * len(words)) for words in WORDS],
}
LACKING = {  # classes that transformers has not, or that compute something else
    *(("electra", "nli"), ("electra", "choice")),
    *((kind, "choice") for kind in ("bart", "t5", "qwen3")),
    ("bart", "tags"),
    ("qwen3", "nli"),  # its tokenizer puts nothing between two texts
    ("qwen3", "spans"),
}


@pytest.fixture(scope="module")
def tokenizers():
    return made()


def batch_of(model, task, tokenizer):
    features = model.formats[task].featurise(FORMS[task], tokenizer, WHOLE)
    return collate(features, np.arange(len(features)), tokenizer.pad_token_id)


def told_of(task, tokenizer):
    """What transformers' tokenizer makes of the same texts."""
    texts = [[" ".join(words) for words in WORDS]]
    if task != "tags":
        pairs = PAIRS
        if task == "choice":
            pairs = [(e.prompt, ending) for e in FORMS[task] for ending in e.endings]
        texts = [[pair[side] for pair in pairs] for side in (0, 1)]
    return tokenizer(*texts, padding=True, return_tensors="pt")


@torch.no_grad()
@pytest.mark.parametrize("task", FORMS)
@pytest.mark.parametrize(("kind", "family"), MODELS)
def test_rows_are_read_as_transformers_reads_them(
    started, tokenizers, comparable, kind, family, task
):
    if (family, task) in LACKING:
        pytest.skip("transformers has nothing to hold it against")
    tokenizer = tokenizers[kind]
    model = started(family, tokenizer)
    batch, told = batch_of(model, task, tokenizer), told_of(task, tokenizer)
    given = inputs(model.backbone, batch)
    segments = told.pop("token_type_ids", torch.zeros(1))
    if segments.any():
        assert torch.equal(given.pop("token_type_ids"), segments)
        told["token_type_ids"] = segments
    assert given.keys() == {"input_ids", "attention_mask"}
    assert all(torch.equal(given[name], told[name]) for name in given)
    assert segments.any() == (family in ("bert", "electra") and task != "tags")

    target = as_transformers(model, task, tokenizer)
    shape = (2, 4, -1) if task == "choice" else (len(batch.input_ids), -1)
    output = target(**{name: value.view(shape) for name, value in told.items()})
    logits, expected = comparable(task, model(task, batch), output, batch.attention_mask)
    torch.testing.assert_close(logits, expected, **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("task", ["nli", "choice", "spans"])
@pytest.mark.parametrize("family", ["bert", "electra"])
def test_segments_count_and_packed_rows_have_them(started, tokenizers, family, task):
    tokenizer = tokenizers["uncased"]
    model = started(family, tokenizer)
    batch = batch_of(model, task, tokenizer)
    logits = model(task, batch)
    bare = replace(batch, token={k: v for k, v in batch.token.items() if k != SEGMENT})
    assert (logits - model(task, bare)).nan_to_num(0, 0, 0).abs().max() > 1e-2
    try:
        attention._register()
        model.backbone.set_attn_implementation(NAMES["block"])
        torch.testing.assert_close(model(task, ready(model.backbone, batch)), logits, **CLOSE)
    finally:
        model.backbone.set_attn_implementation("sdpa")


@torch.no_grad()
@pytest.mark.parametrize(("kind", "family"), MODELS)
def test_sentence_vectors_are_means_of_transformers_states(started, tokenizers, kind, family):
    tokenizer = tokenizers[kind]
    backbone = started(family, tokenizer).backbone
    texts = [first for first, _ in PAIRS if first]
    features = Retrieval(mining=False).featurise(texts, tokenizer, WHOLE)
    batch = collate(features, np.arange(len(features)), tokenizer.pad_token_id)
    told = tokenizer(texts, padding=True, return_tensors="pt")
    read = backbone.get_encoder() if family in ("bart", "t5") else backbone
    states = read(**told).last_hidden_state
    mask = told["attention_mask"].unsqueeze(-1)
    layers = backbone.config.num_hidden_layers
    mean = mean_pooled(backbone, batch, [layers])[0]
    torch.testing.assert_close(mean, (states * mask).sum(1) / mask.sum(1), **CLOSE)


def test_a_model_of_one_segment_is_not_given_any(started, tokenizers):
    """RoBERTa under a BERT's tokenizer: the second of its segments is beyond the model's table."""
    model = started("roberta", tokenizers["cased"])
    batch = batch_of(model, "nli", tokenizers["cased"])
    assert "token_type_ids" in inputs(model.backbone, batch)  # tests' has a table of two
    model.backbone.config.type_vocab_size = 1
    assert "token_type_ids" not in inputs(model.backbone, batch)
    assert "token_type_ids" not in inputs(started("qwen3", tokenizers["cased"]).backbone, batch)
