"""Plain text for continued masked-language modelling: one text is one example (jiant)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.tasks.format import Format, Limits, Row, take
from stilts_repro.tasks.tokens import single_features

MLM = "mlm"  # the task's name beside intermediate tasks, and the suffix of rows that have it


@dataclass(frozen=True)
class MaskedText(Format):
    """A text, some of whose tokens are to be told from the rest; which ones is drawn each time."""

    name = MLM
    metric: ClassVar = ""  # nothing is scored
    columns: ClassVar = ("text",)
    logit_names: ClassVar = ()  # the pre-trained head decides

    def parse(self, row: Row, where: str) -> str:
        """Check one row and return its text; `InputError` names `where` and what is wrong."""
        return take(row, "text", str, where)

    def featurise(
        self, examples: Sequence[str], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise texts, `<s> A </s>`, cut at the length limit."""
        return single_features(examples, tokenizer, limits)
