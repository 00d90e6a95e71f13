"""One backbone, one head a task."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_repro.data.features import Batch
from stilts_repro.models.heads import Head, make_head
from stilts_repro.seeds import derive
from stilts_repro.tasks.format import Format


class MultiTaskModel(nn.Module):
    """A backbone with its pooler, and heads by task name.

    What crosses from phase to phase is the backbone with its pooler; heads are always drawn afresh
    (jiant's `partial` load mode, where the target's head has another name than the intermediate's).
    """

    def __init__(self, backbone: PreTrainedModel, heads: Mapping[str, Head]) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleDict(heads)

    @classmethod
    def fresh(
        cls, backbone: PreTrainedModel, formats: Mapping[str, Format], seed: int
    ) -> "MultiTaskModel":
        """Put fresh heads on `backbone`, each drawn from (`seed`, task name)."""
        config = backbone.config
        heads = {
            name: make_head(
                kind,
                config.hidden_size,
                getattr(config, "hidden_dropout_prob", 0.1),
                getattr(config, "initializer_range", 0.02),
                derive(seed, "head", name),
            )
            for name, kind in formats.items()
        }
        return cls(backbone, heads)

    def forward(self, task: str, batch: Batch) -> Tensor:
        """Return `task`'s logits for `batch`; shapes as the head says."""
        output = self.backbone(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
        states = output.last_hidden_state
        pooled = cast(nn.Module, self.backbone.pooler)(states)
        return self.heads[task](states, pooled, batch)

    def loss(self, task: str, batch: Batch) -> Tensor:
        """Return `task`'s loss on `batch`, a scalar."""
        head = self.heads[task]
        assert isinstance(head, Head)
        return head.loss(self(task, batch), batch)

    def save_backbone(self, path: Path, tokenizer: PreTrainedTokenizerBase) -> None:
        """Write backbone, pooler and tokenizer as a Hugging Face directory."""
        self.backbone.save_pretrained(path)
        tokenizer.save_pretrained(path)


@torch.no_grad()
def mean_pooled(backbone: PreTrainedModel, batch: Batch, layers: Sequence[int]) -> Tensor:
    """Return the mean hidden state of `layers`, [len(layers), B, H]; layer 0 is the embeddings.

    The mean runs over all real tokens, `<s>` and `</s>` among them (jiant, XTREME).
    """
    output = backbone(
        input_ids=batch.input_ids, attention_mask=batch.attention_mask, output_hidden_states=True
    )
    mask = batch.attention_mask.unsqueeze(-1)
    total = mask.sum(dim=1)
    return torch.stack([(output.hidden_states[i] * mask).sum(dim=1) / total for i in layers])
