"""Tiny random models of several families, and batches of several lengths for them."""

import shutil

import numpy as np
import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModel

from stilts_repro.data.features import TOKEN_PADDING, Features, collate
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.classification import Classification
from stilts_repro.tasks.multiple_choice import HellaSwag
from stilts_repro.tasks.span import Span
from stilts_repro.tasks.tagging import Tagging

START, PAD, END = 0, 1, 2
FORMATS = {
    "nli": Classification("a", "b", "label", ("entailment", "neutral", "contradiction")),
    "choice": HellaSwag(),
    "tags": Tagging("words", "tags", ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")),
    "spans": Span(),
}
# By type: what a configuration must say to be tiny. BERT's and XLM-R's classes have a pooler.
_BERT = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "initializer_range": 0.1,
}
_CAUSAL = {**_BERT, "num_key_value_heads": 1, "head_dim": 16}
_T5 = {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2, "num_heads": 2}
_BART = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "init_std": 0.1,
    "max_position_embeddings": 64,
}
SIZES = {
    "xlm-roberta": _BERT,
    "roberta": _BERT,
    "bert": _BERT,
    "electra": {**_BERT, "embedding_size": 32},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 48},
    "qwen3": _CAUSAL,
    "llama": _CAUSAL,
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "initializer_range": 0.1},
    "mt5": {**_T5, "decoder_start_token_id": PAD},
    "t5": {**_T5, "decoder_start_token_id": PAD},
    "bart": {**_BART, "decoder_start_token_id": END},
}


@pytest.fixture(scope="session")
def saved(tokenizer, tmp_path_factory):
    """Return the directory of a tiny random model of a type; of each tokenizer made once."""
    made, testbed = {}, tokenizer

    def save(kind, tokenizer=testbed):
        key = kind, id(tokenizer)
        if key not in made:
            config = CONFIG_MAPPING[kind](
                **SIZES[kind],
                vocab_size=len(tokenizer),
                bos_token_id=tokenizer.bos_token_id,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
            )
            made[key] = tmp_path_factory.mktemp(kind)
            with torch.random.fork_rng():
                torch.manual_seed(0)
                AutoModel.from_config(config).save_pretrained(made[key])
            tokenizer.save_pretrained(made[key])
        return made[key]

    return save


@pytest.fixture(scope="session")
def started(saved):
    """Return a model of a type with heads of every format, changed as by a training."""

    def start(kind, *tokenizer):
        path = saved(kind, *tokenizer)
        model = MultiTaskModel.fresh(load_backbone(str(path), 0), FORMATS, seed=3)
        generator = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += torch.randn(parameter.shape, generator=generator) * 0.05
            for head in model.heads.values():
                head.linear.weight *= 5
        return model.eval()

    return start


@pytest.fixture
def copy(tiny_model, tmp_path):
    """A copy of the tiny model, to be spoilt."""
    return shutil.copytree(tiny_model, tmp_path / "model")


@pytest.fixture(scope="session")
def comparable():
    """Return our logits of a task and those in the output of transformers' class, where both count.

    What is said of padding is nobody's business.
    """

    def pair(task, logits, output, mask):
        if task == "spans":
            expected = torch.stack([output.start_logits, output.end_logits], dim=-1)
        else:
            expected = output.logits
        if task in ("tags", "spans"):
            return logits[mask == 1], expected[mask == 1]
        return logits, expected

    return pair


@pytest.fixture(scope="session")
def formats():
    """A format of each kind, by task name."""
    return FORMATS


@pytest.fixture(scope="session")
def batch_of():
    """Return a padded batch of sequences of `lengths`, each `<s> ... </s>`, with every label."""

    def make(lengths=(9, 5, 12, 3), group=1, units=None):
        rng = np.random.default_rng(0)
        ids = [[START, *rng.integers(5, 100, n - 2), END] for n in lengths]
        count = len(ids) // group
        features = Features.of(
            ids,
            group=group,
            token={"label": [[TOKEN_PADDING, *[3] * (len(s) - 2), TOKEN_PADDING] for s in ids]},
            unit={"label": [i % 2 for i in range(count)], "start": [1] * count, "end": [2] * count},
        )
        units = range(len(features)) if units is None else units
        return collate(features, np.array(list(units)), PAD)

    return make
