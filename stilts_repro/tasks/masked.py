"""Plain text for continued masked-language modelling: one text is one example (jiant)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.tasks.format import Limits, Row, single_features, take

MLM = "mlm"  # the task's name beside intermediate tasks, and the suffix of rows that have it


@dataclass(frozen=True)
class MaskedText:
    """A text, some of whose tokens are to be told from the rest; which ones is drawn each time."""

    metric: ClassVar = ""  # nothing is scored
    columns: ClassVar = ("text",)
    name: str = MLM

    @property
    def outputs(self) -> int:
        """Number of logits that the head gives: the pre-trained head decides."""
        return 0

    def parse(self, row: Row, where: str) -> str:
        """Check one row and return its text; `InputError` names `where` and what is wrong."""
        return take(row, "text", str, where)

    def featurise(
        self, examples: Sequence[str], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise texts, `<s> A </s>`, cut at the length limit."""
        return single_features(examples, tokenizer, limits)
