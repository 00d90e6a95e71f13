"""One backbone, one head a task."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig

from stilts_repro.data.features import Batch
from stilts_repro.models.families import family_of, read, run
from stilts_repro.seeds import derive
from stilts_repro.tasks.format import Format
from stilts_repro.tasks.heads import Head

if TYPE_CHECKING:  # transformers takes two seconds to import it; who only plans needs no model
    from transformers import PreTrainedModel


class MultiTaskModel(nn.Module):
    """A backbone with its pooler, and heads by task name; `formats` says what each head is for."""

    def __init__(
        self, backbone: "PreTrainedModel", heads: Mapping[str, Head], formats: Mapping[str, Format]
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleDict(heads)
        self.formats = dict(formats)

    @classmethod
    def fresh(
        cls, backbone: "PreTrainedModel", formats: Mapping[str, Format], seed: int
    ) -> "MultiTaskModel":
        """Put fresh heads on `backbone`, each drawn from (`seed`, task name)."""
        config = backbone.config
        unbiased = family_of(config).unbiased
        heads = {
            name: make_head(
                kind,
                config.hidden_size,
                _head_dropout(config),
                getattr(config, "initializer_range", 0.02),
                derive(seed, "head", name),
                bias=kind.head.reads not in unbiased,
            )
            for name, kind in formats.items()
        }
        return cls(backbone, heads, formats)

    def head(self, task: str) -> Head:
        """Return `task`'s head."""
        head = self.heads[task]
        assert isinstance(head, Head)
        return head

    def forward(self, task: str, batch: Batch) -> Tensor:
        """Return `task`'s logits for `batch`; shapes as the head says."""
        head = self.head(task)
        return head(read(self.backbone, batch, head.reads), batch)

    def loss(self, task: str, batch: Batch, over: int | None = None) -> Tensor:
        """Return `task`'s loss on `batch`, a scalar; `over` as the head says."""
        return self.head(task).loss(self(task, batch), batch, over)


def set_dropout(model: nn.Module, rate: float) -> None:
    """Give every dropout of `model` the same `rate`."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
        for name, value in vars(module).items():  # attention's, and all of BART's class
            if "dropout" in name and isinstance(value, float):
                setattr(module, name, rate)


def make_head(
    kind: Format, hidden: int, dropout: float, deviation: float, seed: int, *, bias: bool = True
) -> Head:
    """Return a fresh head for `kind`, drawn from `seed` alone."""
    head = kind.head(hidden, kind.outputs, dropout, bias=bias)
    head.init(deviation, torch.Generator().manual_seed(seed))
    return head


def _head_dropout(config: PreTrainedConfig) -> float:
    """Return the dropout before a head, as transformers' classes choose it; else its usual 0.1."""
    names = ("classifier_dropout", "hidden_dropout_prob", "hidden_dropout")
    rates = (getattr(config, name, None) for name in names)
    return next((rate for rate in rates if rate is not None), 0.1)


@torch.no_grad()
def mean_pooled(backbone: "PreTrainedModel", batch: Batch, layers: Sequence[int]) -> Tensor:
    """Return the mean hidden state of `layers`, fp32 [len(layers), B, H]; layer 0: the embeddings.

    The mean runs over all real tokens, `<s>` and `</s>` among them (jiant, XTREME). Of an
    encoder-decoder the layers are the encoder's.
    """
    output = run(backbone, batch, "token", output_hidden_states=True)
    mask = batch.attention_mask.unsqueeze(-1)
    tokens = mask.sum(dim=1)
    states = (batch.spread(output.hidden_states[layer]).float() for layer in layers)
    return torch.stack([(vectors * mask).sum(dim=1) / tokens for vectors in states])
