import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from stilts_repro.data.features import Features, collate
from stilts_repro.models.causal import causal_loss


def test_the_loss_is_transformers_own_without_padding():
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
    config = LlamaConfig(vocab_size=50, num_attention_heads=2, pad_token_id=1, **sizes)
    model = LlamaForCausalLM(config).eval()
    rows = [[0, 7, 8, 9, 2], [0, 5, 2], [0, 30, 31, 32, 33, 34, 2]]
    features = Features.of(rows)
    with torch.no_grad():
        found = causal_loss(model, collate(features, np.arange(3), 1))
        alone = [model(ids := torch.tensor([row]), labels=ids).loss for row in rows]
    told = [len(row) - 1 for row in rows]
    mean = sum(loss * n for loss, n in zip(alone, told, strict=True)) / sum(told)
    assert float(found) == pytest.approx(float(mean), abs=1e-5)
