"""Attention in the forms that transformers does not have; `attention` says which is used."""

from typing import Any, NoReturn, cast

import torch
from torch import Tensor


def block_mask(rows: Tensor, *, causal: bool) -> Tensor:
    """Return which token sees which, bool [1, 1, tokens, tokens], from their sequences [tokens]."""
    same = rows.unsqueeze(1) == rows.unsqueeze(0)
    return (same.tril() if causal else same)[None, None]


def fp32_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attend as transformers' sdpa does, in fp32: [B, heads, T, D] to [B, T, heads, D], as given.

    On a CPU, torch's backward pass of it takes eight times as long in bf16.
    """
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    sdpa = ALL_ATTENTION_FUNCTIONS["sdpa"]
    with torch.autocast(query.device.type, enabled=False):
        attended, _ = sdpa(
            module, query.float(), key.float(), value.float(), attention_mask, **options
        )
    return attended.to(query.dtype), None


def varlen_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attend within each sequence of a packed row: transformers' interface, [1, heads, tokens, D].

    Returns [1, tokens, heads, D].
    """
    if "cu_seq_lens_q" not in options:  # the mask, which would tell of padding, does not come here
        refuse()
    query, key, value = (s[0].transpose(0, 1) for s in (query, key, value))
    attended = varlen_kernel(
        query,
        key,
        value,
        options["cu_seq_lens_q"],
        options["max_length_q"],
        dropout=dropout,
        scale=query.shape[-1] ** -0.5 if scaling is None else scaling,
        causal=bool(module.is_causal),
    )
    return attended.unsqueeze(0), None


def varlen_kernel(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    offsets: Tensor,
    longest: int,
    *,
    dropout: float,
    scale: float,
    causal: bool,
) -> Tensor:
    """Return attention [tokens, heads, D], bf16, within the sequences that `offsets` [B + 1] part.

    torch's `varlen_attn` has no dropout, and what else it takes changed from 2.10 to 2.12; for all
    that is not plain the operation below it is called, as torch's nested tensors do.
    """
    query, key, value = query.bfloat16(), key.bfloat16(), value.bfloat16()
    usual = abs(scale * query.shape[-1] ** 0.5 - 1.0) < 1e-6  # torch.compile stops at math.isclose
    plain = query.shape[1] == key.shape[1] and usual
    if plain and not dropout and not causal:
        from torch.nn.attention.varlen import varlen_attn

        return cast(Tensor, varlen_attn(query, key, value, offsets, offsets, longest, longest))
    attended, *_ = torch.ops.aten._flash_attention_forward(
        query, key, value, offsets, offsets, longest, longest, dropout, causal, False, scale=scale
    )
    return cast(Tensor, attended)


def refuse(**options: Any) -> NoReturn:
    """Refuse a batch that did not come by `inputs`: sequences would see padding or each other."""
    raise ValueError("a padded batch for a back end that reads packed ones")
