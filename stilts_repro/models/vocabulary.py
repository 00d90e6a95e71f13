"""A masked LM with the tokens of its corpus alone, while it is trained further, and whole again.

A multilingual vocabulary has 250,000 tokens; text in twenty languages holds a third of them. What
is left out costs nothing then: no softmax over it, no gradient, no moments, no update.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.models.masked import Masking, load_masked
from stilts_repro.models.pretrained import (
    MASKED_HEADS,
    check_whole,
    fingerprint,
    load_config,
)
from stilts_repro.seeds import derive

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Narrowed:
    """A masked LM narrowed to some tokens: its rows, in their order, are those of `ids` [n].

    `table` [V, H] and `bias` [V] are what the whole vocabulary's were, `origin` the hash of the
    model that it starts from.
    """

    origin: str
    model: "PreTrainedModel"
    ids: np.ndarray
    table: Tensor
    bias: Tensor

    @property
    def places(self) -> np.ndarray:
        """The row of each token of the whole vocabulary, [V] int64; -1 where it has none."""
        places = np.full(len(self.table), -1)
        places[self.ids] = np.arange(len(self.ids))
        return places

    def narrow(self, features: Features) -> Features:
        """Return `features` with rows for ids; all their tokens must be among `ids`."""
        return replace(features, ids=self.places[features.ids].astype(np.int32))

    def masking(self, whole: Masking) -> Masking:
        """Return the masking that is `whole` among all tokens, among these."""
        places = self.places
        special = tuple(int(places[token]) for token in whole.special_ids)
        return Masking(int(places[whole.mask_id]), special, len(self.ids), whole.rate)

    @torch.no_grad()
    def widened(self) -> "PreTrainedModel":
        """Return the model with its whole vocabulary.

        A token that was left out keeps its embedding, and is as likely as the least likely of the
        others.
        """
        model, ids = self.model, torch.from_numpy(self.ids)
        rows, bias = _table(model).clone(), _bias(model).clone()
        self.table[ids], self.bias[:] = rows, bias.min()
        self.bias[ids] = bias
        _resize(model, self.table, self.bias)
        return model


def narrowed(start: str, read: Features, tokenizer: PreTrainedTokenizerBase, seed: int) -> Narrowed:
    """Return the masked LM `start` with the tokens of `read` and the special ones alone.

    A head that its weights lack is drawn from `seed`; its softmax is over the embeddings. Raises
    `MissingError` or `InputError` where there is no masked LM of that class.
    """
    model = _load(start, seed)
    table, bias = _table(model).detach().clone(), _bias(model).clone()
    ids = np.union1d(np.unique(read.ids), tokenizer.all_special_ids)
    # Models of RoBERTa's kind count positions from the padding token's id: it stays where it is.
    padding = int(tokenizer.pad_token_id)
    if padding >= len(ids):
        raise InputError(
            f"--start {start}: it pads with token {padding}, and the text has {len(ids):,} of its "
            "tokens; give more text"
        )
    ids = np.insert(ids[ids != padding], padding, padding)
    rows = torch.from_numpy(ids)
    _resize(model, table[rows], bias[rows])
    return Narrowed(fingerprint(start), model, ids, table, bias)


def _load(start: str, seed: int) -> "PreTrainedModel":
    """Return `start` as a masked LM, its head drawn from `seed` where its weights have none."""
    load_config(start)
    torch.manual_seed(derive(seed, "pretrain", "head"))
    model, missing = load_masked("--start", start)
    if not any(hasattr(model, name) for name in MASKED_HEADS):
        raise InputError(
            f"--start {start}: its masked-LM head is none that is known here "
            f"({', '.join(MASKED_HEADS)}); choose a model of BERT's or RoBERTa's class"
        )
    check_whole("--start", start, [key for key in missing if not key.startswith(MASKED_HEADS)])
    head: Any = model.get_output_embeddings()
    if head.weight is not _table(model):
        raise InputError(f"--start {start}: its softmax is not over its embeddings; choose another")
    return model


def _table(model: "PreTrainedModel") -> Tensor:
    """Return the embeddings, [V, H]."""
    table: Any = model.get_input_embeddings()
    return table.weight


def _bias(model: "PreTrainedModel") -> Tensor:
    """Return what the softmax adds to each token's logit, [V]."""
    head: Any = model.get_output_embeddings()
    return head.bias.detach()


@torch.no_grad()
def _resize(model: "PreTrainedModel", table: Tensor, bias: Tensor) -> None:
    """Give `model` the embeddings `table` [n, H] and, in its softmax, `bias` [n]; ties hold."""
    model.resize_token_embeddings(len(table), mean_resizing=False)
    head: Any = model.get_output_embeddings()
    _table(model).copy_(table)
    head.bias.copy_(bias)
