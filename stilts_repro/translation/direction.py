"""How a translation model is told the language to translate into.

A model has tokens for its languages or it has none. Marian models of several targets read the token
before the text (`>>fra<<`); M2M100 (`__fr__`), mBART-50 (`fr_XX`) and NLLB (`fra_Latn`) are made to
begin with it, and read the source language's. A Marian model of one pair need not be told.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from stilts_repro.errors import InputError
from stilts_repro.tasks.languages import LANGUAGES

_READ = re.compile(r">>(\w+)<<")
_WRITTEN = re.compile(r"__([a-z]{2,3})__|([a-z]{2})_[A-Z]{2}|([a-z]{3})_[A-Z][a-z]{3}")
# Where a model's three letters are not Tatoeba's; NLLB writes Chinese in two scripts.
_OTHER = {"ar": ("arb_Arab",), "zh": ("zho_Hans",)}


@dataclass(frozen=True)
class Direction:
    """What goes before a text, and the id of the token that its translation begins with."""

    prefix: str = ""
    forced: int | None = None


def direction(
    tokenizer: PreTrainedTokenizerBase, model: str, target: str, codes: Mapping[str, str]
) -> Direction:
    """Return how `model` is told `target`, and set the source language of its tokenizer.

    `codes` gives the model's token by language where it cannot be found. Raises `InputError` where
    the model has language tokens and none, or several, for `target` or for English.
    """
    ids = _vocabulary(tokenizer)
    read = [token for token in ids if _READ.fullmatch(token)]
    if read:
        return Direction(_token(read, model, target, codes) + " ")
    written = [token for token in ids if _WRITTEN.fullmatch(token)]
    if not written:
        return Direction()
    forced = ids[_token(written, model, target, codes)]
    if hasattr(tokenizer, "src_lang"):
        source = _token(written, model, "en", codes)
        tokenizer.src_lang = source.strip("_")  # M2M100 goes by the bare code
    return Direction(forced=forced)


def tells(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Say whether a model has tokens for languages at all."""
    return any(_READ.fullmatch(t) or _WRITTEN.fullmatch(t) for t in _vocabulary(tokenizer))


def _vocabulary(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Return the ids of all tokens; M2M100 has its languages beside the others."""
    return tokenizer.get_vocab() | getattr(tokenizer, "lang_token_to_id", {})


def _token(tokens: Iterable[str], model: str, code: str, codes: Mapping[str, str]) -> str:
    """Return the one of a model's language tokens that means the language of `code`."""
    known = sorted(tokens)
    given = codes.get(code)
    language = LANGUAGES.get(code)
    names = {code, language.iso3 if language else code}
    found = [token for token in known if _named(token) in names]
    found = found or [token for token in known if token in _OTHER.get(code, ())]
    if given is not None:
        found = [token for token in known if given in (token, _named(token))]
    if len(found) == 1:
        return found[0]
    what = f"several tokens for {code!r} ({', '.join(found)})" if found else f"none for {code!r}"
    raise InputError(
        f"--translator {model}: of its {len(known)} language tokens {what}; "
        f"name one in codes, such as {{{code!r}: {known[0]!r}}}"
    )


def _named(token: str) -> str:
    """Return the language's letters in a token."""
    if read := _READ.fullmatch(token):
        return read[1]
    written = _WRITTEN.fullmatch(token)
    return next(filter(None, written.groups()), "") if written else ""
