"""Translation by a model of transformers: Marian (OPUS-MT), M2M100, NLLB, mBART-50.

Greedy or beam search without sampling: one set of texts always gives the same translations. Among
other texts a text may stand in another batch, whose rounding can turn the scale where two words are
all but equally likely; what is once translated is therefore kept and not made anew.

A model has tokens for its languages or it has none. Marian models of several targets read the token
before the text (`>>fra<<`); M2M100 (`__fr__`), mBART-50 (`fr_XX`) and NLLB (`fra_Latn`) are made to
begin with it, and read the source language's. A Marian model of one pair need not be told.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, PreTrainedTokenizerBase

from stilts_repro.errors import InputError, MissingError, reason
from stilts_repro.tasks.languages import LANGUAGES
from stilts_repro.translation.passages import cut, join
from stilts_repro.translation.texts import TextTranslator

COMMIT = re.compile(r"[0-9a-f]{40}")
_LONGEST = 512  # tokens: no translation model was trained on more, whatever it has room for
_STEP = 8  # texts of a batch have equally many tokens, rounded up to this
_LONGER, _MORE = 3, 16  # a translation has at most 3 n + 16 tokens, n being that number

_READ = ">>"  # a language's token begins so where it is read; others begin translations
_LANGUAGE = re.compile(r">>(\w+)<<|__([a-z]{2,3})__|([a-z]{2})_[A-Z]{2}|([a-z]{3})_[A-Z][a-z]{3}")
# Where a model's three letters are not Tatoeba's; NLLB writes Chinese in two scripts.
_OTHER = {"ar": ("arb_Arab",), "zh": ("zho_Hans",)}


@dataclass(eq=False)
class Seq2SeqTranslator(TextTranslator):
    """A sequence-to-sequence model from the hub or a directory.

    model         a hub id or a directory; `{code}` in it stands for the target language where each
                  pair of languages has a model of its own: `Helsinki-NLP/opus-mt-en-{code}`
    revision      the commit of a hub id, 40 hex digits; for a template by language
    codes         the model's own codes of languages where they cannot be found out, `{"zh": ...}`
    beams         1: greedy search
    batch_tokens  source tokens of a batch, padding and beams counted

    Texts longer than the model reads are cut into sentences, and these, if need be, at blanks. It
    runs on a GPU if there is one; one model is in memory at a time.
    """

    model: str
    revision: str | Mapping[str, str] | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    beams: int = 1
    batch_tokens: int = 4096
    _loaded: "_Model | None" = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.beams < 1 or self.batch_tokens < 1:
            raise InputError(
                f"beams {self.beams}, batch_tokens {self.batch_tokens}: give 1 or more of each"
            )

    @property
    def name(self) -> str:
        """The model, the commit where one serves all languages, and the search."""
        at = f"@{self.revision}" if isinstance(self.revision, str) else ""
        name = Path(self.model).name if is_local(self.model) else self.model
        return f"{name}{at}, {self._search}"

    def version(self, target: str) -> str:
        """Return the model with its commit (a directory: a hash of its files), code and search."""
        path = self._path(target)
        commit = _hash_of(path) if Path(path).is_dir() else self._commit(target)
        name = Path(path).name if is_local(path) else path
        code = f", code {self.codes[target]}" if target in self.codes else ""
        return f"{name}@{commit}{code}, {self._search}"

    def translate(self, texts: Sequence[str], target: str) -> list[str]:
        """Return the translations of English `texts`, in order; blank texts stay empty.

        Raises `MissingError` where the model does not load, `InputError` where it does not
        translate into `target`.
        """
        model = self._model(target)
        pieces = [model.pieces(text) if text.strip() else [] for text in texts]
        translations: dict[str, str] = {}
        distinct = {part for parts in pieces for part in parts}
        for batch in model.batches(distinct, self.batch_tokens // self.beams):
            translations |= dict(zip(batch, model.generate(batch, self.beams), strict=True))
        return [join([translations[part] for part in parts], target) for parts in pieces]

    @property
    def _search(self) -> str:
        return "greedy" if self.beams == 1 else f"{self.beams} beams"

    def _path(self, target: str) -> str:
        return self.model.replace("{code}", target)

    def _commit(self, target: str) -> str:
        """Return the commit to load from the hub."""
        given = self.revision
        commit = given.get(target) if isinstance(given, Mapping) else given
        if is_local(self._path(target)):
            raise MissingError(f"--translator {self._path(target)}: no such directory")
        if not commit or not COMMIT.fullmatch(commit):
            raise InputError(
                f"--translator {self._path(target)}: revision {commit!r} is no commit of the hub; "
                "give its 40 hex digits, so that the same translations can be made again"
            )
        return commit

    def _model(self, target: str) -> "_Model":
        """Return the model for `target`, loaded unless it is that of the language before."""
        path = self._path(target)
        if self._loaded is None or self._loaded.path != path:
            self._loaded = None  # two models need not fit
            commit = None if Path(path).is_dir() else self._commit(target)
            self._loaded = _load(path, commit, one_pair="{code}" in self.model)
        if self._loaded.target != target:
            prefix, forced = direction(self._loaded.tokenizer, path, target, self.codes)
            self._loaded = replace(self._loaded, target=target, prefix=prefix, forced=forced)
        return self._loaded


def direction(
    tokenizer: PreTrainedTokenizerBase, model: str, target: str, codes: Mapping[str, str]
) -> tuple[str, int | None]:
    """Return how `model` is told `target`, and set the source language of its tokenizer.

    It is told by what goes before a text, or by the id of the token that a translation begins with.
    `codes` gives the model's token by language where it cannot be found. Raises `InputError` where
    the model has language tokens and none, or several, for `target` or for English.
    """
    languages = _languages(tokenizer)
    if not languages:
        return "", None
    token = _token(languages, model, target, codes)
    if token.startswith(_READ):
        return f"{token} ", None
    if hasattr(tokenizer, "src_lang"):
        source = _token(languages, model, "en", codes)
        tokenizer.src_lang = source.strip("_")  # M2M100 goes by the bare code
    forced = tokenizer.convert_tokens_to_ids(token)
    assert isinstance(forced, int)  # the id of one token
    return "", forced


def _languages(tokenizer: PreTrainedTokenizerBase) -> dict[str, str]:
    """Return the tokens for languages (those that are read, if there are any) and their letters."""
    # M2M100 has its languages beside the other tokens.
    vocabulary = (*tokenizer.get_vocab(), *getattr(tokenizer, "lang_token_to_id", ()))
    matches = [match for token in vocabulary if (match := _LANGUAGE.fullmatch(token))]
    letters = {match[0]: next(filter(None, match.groups())) for match in matches}
    return {token: name for token, name in letters.items() if token.startswith(_READ)} or letters


def _token(languages: Mapping[str, str], model: str, code: str, codes: Mapping[str, str]) -> str:
    """Return the one of a model's language tokens that means the language of `code`."""
    known = sorted(languages)
    if code in codes:
        fits = [token for token in known if codes[code] in (token, languages[token])]
    else:
        names = (code, LANGUAGES[code].iso3 if code in LANGUAGES else code)
        fits = [token for token in known if languages[token] in names]
        fits = fits or [token for token in known if token in _OTHER.get(code, ())]
    if len(fits) == 1:
        return fits[0]
    what = f"several tokens for {code!r} ({', '.join(fits)})" if fits else f"none for {code!r}"
    raise InputError(
        f"--translator {model}: of its {len(known)} language tokens {what}; "
        f"name one in codes, such as {{{code!r}: {known[0]!r}}}"
    )


@dataclass(frozen=True)
class _Model:
    """A loaded model, the language that it translates into, and how it is told (`direction`)."""

    path: str
    weights: Any
    tokenizer: PreTrainedTokenizerBase
    target: str = ""
    prefix: str = ""
    forced: int | None = None

    @property
    def limit(self) -> int:
        """The number of tokens that it reads at most."""
        room = getattr(self.weights.config, "max_position_embeddings", None)
        limits = (room, self.tokenizer.model_max_length, _LONGEST)
        return min(limit for limit in limits if limit)

    def length(self, text: str) -> int:
        """Return the number of tokens that the model reads for `text`."""
        return len(self.tokenizer(self.prefix + text, verbose=False)["input_ids"])

    def pieces(self, text: str) -> list[str]:
        """Return `text`, in parts if it is too long: its sentences, or else its halves."""
        if self.length(text) <= self.limit or len(text) < 2:
            return [text]
        parts = [text[low:high] for low, high in cut(text)]
        if len(parts) < 2:
            blanks = [blank.start() for blank in re.finditer(r"(?<=\S)\s+(?=\S)", text)]
            middle = min(blanks or [len(text) // 2], key=lambda at: abs(at - len(text) // 2))
            parts = [text[:middle], text[middle:]]
        return [piece for part in parts for piece in self.pieces(part.strip())]

    def batches(self, texts: Collection[str], budget: int) -> Iterator[list[str]]:
        """Yield `texts` from the longest to the shortest, as many at a time as `budget` allows.

        The budget is for padded tokens; a text that is longer is alone. Texts in one batch have one
        limit to their translations, which is thus no matter of what else is translated.
        """
        steps = {text: -(-self.length(text) // _STEP) for text in texts}
        ordered = sorted(texts, key=lambda text: (-steps[text], text))
        for length, group in groupby(ordered, steps.__getitem__):
            alike, size = list(group), max(1, budget // (_STEP * length))
            yield from (alike[at : at + size] for at in range(0, len(alike), size))

    @torch.inference_mode()
    def generate(self, texts: Sequence[str], beams: int) -> list[str]:
        """Return the translations of a batch."""
        prompts = [self.prefix + text for text in texts]
        inputs = self.tokenizer(prompts, return_tensors="pt", padding=True).to(self.weights.device)
        length = _STEP * -(-inputs["input_ids"].shape[1] // _STEP)
        ids = self.weights.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            num_beams=beams,
            do_sample=False,
            max_length=None,
            max_new_tokens=min(self.limit - 1, _LONGER * length + _MORE),
            **({} if self.forced is None else {"forced_bos_token_id": self.forced}),
        )
        ids = ids[:, 1 if self.forced is None else 2 :]  # not what the decoder starts with
        translations = self.tokenizer.batch_decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return [text.strip() for text in translations]


def _load(path: str, commit: str | None, *, one_pair: bool) -> _Model:
    """Load the model of a directory, or of a hub id at a commit; `one_pair`: into one language."""
    options: dict[str, Any] = {"trust_remote_code": False, "revision": commit or "main"}
    with _loading(path, "tokenizer does"):
        tokenizer = AutoTokenizer.from_pretrained(path, **options)
    if not (one_pair or _languages(tokenizer)):
        raise InputError(
            f"--translator {path}: it has no tokens for languages, so it translates into one only; "
            "write {code} in its name where the language's code stands"
        )
    with _loading(path, "weights do", "a sequence-to-sequence model saved as safetensors"):
        weights, report = AutoModelForSeq2SeqLM.from_pretrained(
            path, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **options
        )
    if absent := sorted(report["missing_keys"]):
        raise InputError(
            f"--translator {path}: its weights lack {len(absent)} parameters ({absent[0]}, ...); "
            "save the whole model"
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return _Model(path, weights.to(device).eval(), tokenizer)


@contextmanager
def _loading(path: str, part: str, needs: str = "") -> Iterator[None]:
    """Say in one line which part of a model does not load, why, and what it needs."""
    try:
        yield
    except Exception as error:  # transformers raises a dozen unrelated kinds here
        why = reason(error)
        if "SentencePiece" in str(error):  # transformers says it in twelve lines
            why = "it needs sentencepiece: pip install sentencepiece"
        hint = f"; it needs {needs}" if needs else ""
        raise MissingError(f"--translator {path}: its {part} not load ({why}){hint}") from None


def is_local(model: str) -> bool:
    """Say whether `model` names a directory, there or not, and no hub id."""
    return Path(model).is_dir() or model.startswith((".", "/", "~")) or model.count("/") > 1


@lru_cache(maxsize=64)
def _hash_of(folder: str) -> str:
    """Return a hash of the files that a model and its tokenizer are made of."""
    digest = hashlib.sha256()
    for file in sorted(Path(folder).iterdir()):
        if file.suffix in (".safetensors", ".json", ".spm", ".model"):
            digest.update(file.name.encode())
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:16]
