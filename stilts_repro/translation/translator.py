"""What translates English texts."""

from collections.abc import Sequence
from typing import Protocol


class Translator(Protocol):
    """Translates English into other languages, the same text the same way every time."""

    @property
    def name(self) -> str:
        """What a reader is told of it: the model, its revision, how it searches."""
        ...

    def version(self, target: str) -> str:
        """Return all that decides its translations into `target`, for records and the cache."""
        ...

    def translate(self, texts: Sequence[str], target: str) -> list[str]:
        """Return the translations of `texts` into the language of code `target`, in order.

        Raises `InputError` for a language that it does not translate into, `MissingError` where
        something that it needs is not there.
        """
        ...
