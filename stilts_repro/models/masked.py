"""The pre-trained masked-LM head beside task heads, for phase (ii) with continued MLM."""

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModelForMaskedLM

from stilts_repro.data.features import Batch, Chosen
from stilts_repro.errors import InputError, reason
from stilts_repro.models.pretrained import MASKED_HEADS, location
from stilts_repro.tasks.heads import Head

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class MaskedLMHead(Head):
    """The pre-trained head, computed at masked positions only; its decoder is the embeddings.

    All-position logits would cost about as much as XLM-R Large's whole body.
    """

    reads = "token"

    def __init__(self, head: nn.Module) -> None:
        nn.Module.__init__(self)
        self.head = head

    def forward(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Return logits of the tokens to predict, [N, vocabulary]."""
        return cast(Tensor, self.head(vectors.flatten(0, 1)[_chosen(batch).places]))

    def examples(self, batch: Batch) -> int:
        """Return the number of tokens to predict."""
        return len(_chosen(batch).gold)

    def loss(self, logits: Tensor, batch: Batch, over: int | None = None) -> Tensor:
        """Return the mean cross-entropy over tokens to predict; zero where there is none."""
        total = functional.cross_entropy(logits, _chosen(batch).gold, reduction="sum")
        return total / max(1, self.examples(batch) if over is None else over)


def _chosen(batch: Batch) -> Chosen:
    """Return the tokens to predict: where they are is known on the host, so no GPU is asked."""
    if batch.chosen is None:
        raise ValueError("the batch is not masked")
    return batch.chosen


def load_masked_head(model: str, backbone: "PreTrainedModel") -> MaskedLMHead:
    """Return the masked-LM head of `model`, its decoder tied to the embeddings of `backbone`.

    Raises `InputError` where `model` has none.
    """
    try:
        whole, loaded = AutoModelForMaskedLM.from_pretrained(
            **location(model), use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError) as error:
        told = f"--model {model}: it is no masked language model ({reason(error)})"
        raise InputError(told) from None
    name = next((name for name in MASKED_HEADS if hasattr(whole, name)), None)
    absent = [key for key in loaded["missing_keys"] if name is None or key.startswith(name)]
    if name is None or absent:
        raise InputError(
            f"--model {model}: its weights have no masked-LM head; continued MLM needs one"
        )
    whole.set_input_embeddings(backbone.get_input_embeddings())
    whole.get_output_embeddings().weight = backbone.get_input_embeddings().weight
    return MaskedLMHead(getattr(whole, name))
