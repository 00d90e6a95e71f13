"""Torch's kernel on a GPU, in bf16, against the explicit block mask; and what it drops."""

import pytest
import torch

from stilts_repro.models import kernels
from stilts_repro.models.attention import PACKS
from tests.models.test_attention import (
    GROUPS,
    LENGTHS,
    batch_of,
    gradients,
    plain_kernel,
    put_on,
)

GPU = torch.device("cuda")

on_gpu = pytest.mark.skipif(
    not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 0),
    reason="no NVIDIA GPU that computes in bf16",
)


def furthest(found, expected):
    """Return the largest distance of a parameter's gradients, as a share of the whole gradient.

    A parameter's own gradient is no measure: those of the keys' biases are zero but for rounding.
    """
    assert found.keys() == expected.keys()
    pairs = [(found[name].float(), expected[name].float()) for name in found if name != "loss"]
    whole = torch.stack([wanted.norm() for _, wanted in pairs]).norm()
    return max(float((gradient - wanted).norm() / whole) for gradient, wanted in pairs)


def alike_in_bf16(started, kind, task, device):
    """Assert that the kernel is no further from the block mask than thrice what bf16 moves it."""
    batch, found = batch_of(LENGTHS, GROUPS[task]), {}
    for name, bf16 in (("varlen", True), ("block", True), ("block", False)):
        model = put_on(started(kind).to(device), name)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            found[name, bf16] = gradients(model, task, batch)
    kernel, block, exact = found.values()
    torch.testing.assert_close(kernel["loss"], block["loss"], rtol=0.02, atol=0.02)
    assert furthest(kernel, block) < 3 * furthest(block, exact)


@on_gpu
@pytest.mark.parametrize("task", GROUPS)
@pytest.mark.parametrize("kind", PACKS)
def test_the_kernel_is_the_block_mask(started, kind, task):
    alike_in_bf16(started, kind, task, GPU)


@pytest.mark.parametrize("leaks", [False, True])
def test_a_kernel_that_leaks_would_not_be(started, monkeypatch, leaks):
    """Guard: on a CPU, with the stand-in for the kernel; two of six sequences see each other."""

    def kernel(query, key, value, offsets, longest, **options):
        if leaks:
            offsets = torch.cat([offsets[:1], offsets[2:]])
        sides = (side.bfloat16() for side in (query, key, value))
        return plain_kernel(*sides, offsets, offsets.diff().max(), **options)

    monkeypatch.setattr(kernels, "varlen_kernel", kernel)
    for task in ("nli", "tags"):
        if leaks:
            with pytest.raises(AssertionError):
                alike_in_bf16(started, "xlm-roberta", task, torch.device("cpu"))
        else:
            alike_in_bf16(started, "xlm-roberta", task, torch.device("cpu"))


@on_gpu
def test_the_kernel_drops_what_it_is_asked_to():
    """Of constant values attention is the share that is kept, scaled: one on average."""
    torch.manual_seed(0)
    ones = torch.ones(4096, 2, 16, device=GPU)
    offsets = torch.arange(0, 4097, 64, dtype=torch.int32, device=GPU)
    options = {"scale": 0.25, "causal": False}
    kept = kernels.varlen_kernel(ones, ones, ones, offsets, 64, dropout=0.5, **options).float()
    assert kept.std() > 0.05
    assert kept.mean().item() == pytest.approx(1.0, abs=0.02)


def dropped(seed):
    """Return the three sides with their gradients, attention that drops a half, its gradient."""
    made = torch.Generator().manual_seed(0)
    *sides, gradient = torch.randn(4, 4096, 2, 16, generator=made).to(GPU)
    sides = [side.detach().requires_grad_() for side in sides]
    offsets = torch.arange(0, 4097, 64, dtype=torch.int32, device=GPU)
    torch.manual_seed(seed)
    options = {"dropout": 0.5, "scale": 0.25, "causal": False}
    found = kernels.varlen_kernel(*sides, offsets, 64, **options).float()
    found.backward(gradient)
    return sides, found.detach(), gradient


@on_gpu
def test_the_way_back_drops_the_same():
    (sides, found, gradient), (again, same, _) = dropped(3), dropped(3)
    assert torch.equal(found, same)
    for side, twin in zip(sides, again, strict=True):
        assert torch.isfinite(side.grad).all()
        assert (side.grad - twin.grad).norm() < 0.01 * side.grad.norm()  # sums in any order
    assert (found - dropped(4)[1]).norm() > 0.1 * found.norm()
    # Linear in the values: both sums are equal, by number, if the way back drops the same.
    value = sides[2].detach()
    forth, back = (found * gradient).sum(0), (sides[2].grad * value).sum(0)
    torch.testing.assert_close(back, forth, rtol=0, atol=1.0)
