"""The whole path on models that are no encoders: decoder-only, encoder-decoder."""

import pytest
import torch
from transformers import MT5Config, MT5Model, Qwen3Config, Qwen3Model

from stilts_repro.experiments.conditions import after
from stilts_repro.run.execution import run_claims
from stilts_repro.run.grid import Claim
from stilts_repro.run.request import Request
from tests.planning import small_scale

TARGETS = ("xnli", "panx", "xquad", "tatoeba")


def qwen(tokenizer):
    return Qwen3Model(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=16,
            max_position_embeddings=130,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def mt5(tokenizer):
    return MT5Model(
        MT5Config(
            vocab_size=len(tokenizer),
            d_model=32,
            d_kv=16,
            d_ff=64,
            num_layers=2,
            num_heads=2,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            decoder_start_token_id=tokenizer.pad_token_id,
        )
    )


@pytest.mark.parametrize("make", [qwen, mt5])
def test_all_phases_run_on_it(make, tokenizer, tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        make(tokenizer).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    claim = Claim("mnli_gain", (after("mnli"),), lambda scores, targets: 0.0, targets=TARGETS)
    request = Request(
        claims=(claim,),
        scale=small_scale(),
        data="testbed",
        model=str(tmp_path / "model"),
        seeds=(0,),
        output=tmp_path / "out",
    )
    result = run_claims(request)
    measured = {entry["target"] for entry in result["grid"]}
    assert measured == {"xnli", "panx", "xquad", "mlqa", "tatoeba", "bucc2018"}
    assert result["claims"][0]["targets"] == list(TARGETS)
    (phase_two,) = result["intermediate"]
    assert phase_two["dev"]["mnli"]["accuracy"] > 0
