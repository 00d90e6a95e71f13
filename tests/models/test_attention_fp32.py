"""The back end of a CPU in bf16: attention alone stays in fp32, and all else as it was."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from stilts_repro.machine import Machine
from stilts_repro.models import attention, kernels
from tests.models.conftest import SIZES
from tests.models.test_attention import batch_of, gradients

LENGTHS = (9, 1, 12, 3, 62, 2)


@pytest.mark.parametrize("kind", SIZES)
def test_without_bf16_it_is_sdpa(started, kind):
    batch = batch_of(LENGTHS)
    found = []
    for precision in ("bf16", "fp32"):
        model = started(kind)
        usual = attention.backend(model.backbone)
        told = attention.use(model.backbone, Machine(precision=precision))
        assert told == ("sdpa_fp32" if precision == "bf16" and usual == "sdpa" else usual)
        found.append(gradients(model, "nli", batch))
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        assert torch.equal(gradient, found[1][name]), name


def test_in_bf16_attention_alone_is_in_fp32():
    query, key, value = torch.randn(3, 2, 4, 5, 8).bfloat16()
    mask = torch.ones(2, 1, 5, 5, dtype=torch.bool)
    mask[0, :, :, 3:] = False
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = kernels.fp32_attention(SimpleNamespace(is_causal=False), query, key, value, mask)
        linear = torch.nn.functional.linear(torch.ones(1, 2), torch.ones(3, 2))
    wanted = scaled_dot_product_attention(query.float(), key.float(), value.float(), mask)
    assert torch.equal(found, wanted.transpose(1, 2).bfloat16())
    assert linear.dtype == torch.bfloat16  # autocast goes on behind it


def test_a_layer_takes_it_and_what_it_gives_is_near_fp32(started):
    batch = batch_of(LENGTHS)
    model = started("xlm-roberta")
    wanted = gradients(model, "nli", batch)["loss"]
    assert attention.use(model.backbone, Machine(precision="bf16")) == "sdpa_fp32"
    with torch.autocast("cpu", torch.bfloat16):
        found = gradients(model, "nli", batch)["loss"]
    torch.testing.assert_close(found.float(), wanted, rtol=0.02, atol=0.02)
