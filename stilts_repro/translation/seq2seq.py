"""Translation by a model of transformers: Marian (OPUS-MT), M2M100, NLLB, mBART-50.

Greedy or beam search without sampling: one set of texts always gives the same translations. Among
other texts a text may stand in another batch, whose rounding can turn the scale where two words are
all but equally likely; what is once translated is therefore kept and not made anew.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, PreTrainedTokenizerBase

from stilts_repro.errors import InputError, MissingError, reason
from stilts_repro.translation import sentences
from stilts_repro.translation.direction import Direction, direction, tells

COMMIT = re.compile(r"[0-9a-f]{40}")
_LONGEST = 512  # tokens: no translation model was trained on more, whatever it has room for
_STEP = 8  # texts of a batch have equally many tokens, rounded up to this
_LONGER, _MORE = 3, 16  # a translation has at most 3 n + 16 tokens, n being that number


class Seq2SeqTranslator:
    """A sequence-to-sequence model from the hub or a directory.

    model         a hub id or a directory; `{code}` in it stands for the target language where each
                  pair of languages has a model of its own: `Helsinki-NLP/opus-mt-en-{code}`
    revision      the commit of a hub id, 40 hex digits; for a template by language
    codes         the model's own codes of languages where they cannot be found out, `{"zh": ...}`
    beams         1: greedy search
    batch_tokens  source tokens of a batch, padding and beams counted
    device        where it runs; a GPU if there is one

    Texts longer than the model reads are cut into sentences, and these, if need be, at blanks;
    `counts` says how many texts were ("cut"), and how many translations came to no end
    ("unfinished"). One model is in memory at a time.
    """

    def __init__(
        self,
        model: str,
        revision: str | Mapping[str, str] | None = None,
        codes: Mapping[str, str] | None = None,
        *,
        beams: int = 1,
        batch_tokens: int = 4096,
        device: str | None = None,
    ) -> None:
        if beams < 1 or batch_tokens < 1:
            raise InputError(f"beams {beams}, batch_tokens {batch_tokens}: give 1 or more of each")
        self.model = model
        self.revision = revision
        self.codes = dict(codes or {})
        self.beams = beams
        self.batch_tokens = batch_tokens
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.counts: Counter[str] = Counter()
        self._held: tuple[str, Any, PreTrainedTokenizerBase] | None = None
        self._runner = lru_cache(maxsize=1)(self._start)

    @property
    def name(self) -> str:
        """The model, the commit where one serves all languages, and the search."""
        at = f"@{self.revision}" if isinstance(self.revision, str) else ""
        name = Path(self.model).name if is_local(self.model) else self.model
        return f"{name}{at}, {self._search}"

    def version(self, target: str) -> str:
        """Return the model with its commit (a directory: a hash of its files), code and search."""
        path = self._path(target)
        held = _hash_of(path) if Path(path).is_dir() else self._commit(target)
        name = Path(path).name if is_local(path) else path
        code = f", code {self.codes[target]}" if target in self.codes else ""
        return f"{name}@{held}{code}, {self._search}"

    def translate(self, texts: Sequence[str], target: str) -> list[str]:
        """Return the translations of English `texts`, in order; blank texts stay empty.

        Raises `MissingError` where the model or its tokenizer does not load, `InputError` where it
        does not translate into `target`.
        """
        runner = self._runner(target)
        pieces = [runner.pieces(text) if text.strip() else [] for text in texts]
        self.counts["cut"] += sum(len(parts) > 1 for parts in pieces)
        distinct = list(dict.fromkeys(part for parts in pieces for part in parts))
        made: dict[str, str] = {}
        for batch in runner.batches(distinct, self.batch_tokens // self.beams):
            translations, unfinished = runner.generate(batch, self.beams)
            made |= dict(zip(batch, translations, strict=True))
            self.counts["unfinished"] += unfinished
        return [sentences.join([made[part] for part in parts], target) for parts in pieces]

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

    def _start(self, target: str) -> "_Runner":
        """Return the model for `target`, loaded unless it is that of the language before."""
        path = self._path(target)
        if self._held is None or self._held[0] != path:
            self._runner.cache_clear()
            self._held = None  # two models need not fit
            at = {} if Path(path).is_dir() else {"revision": self._commit(target)}
            tokenizer = self._load_tokenizer(path, at)
            self._held = (path, _load_model(path, at).to(self.device).eval(), tokenizer)
        _, model, tokenizer = self._held
        return _Runner(model, tokenizer, direction(tokenizer, path, target, self.codes))

    def _load_tokenizer(self, path: str, at: Mapping[str, str]) -> PreTrainedTokenizerBase:
        try:
            tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False, **at)
        except Exception as error:  # transformers raises a dozen unrelated kinds here
            raise MissingError(
                f"--translator {path}: its tokenizer does not load ({_reason(error)})"
            ) from None
        if "{code}" not in self.model and not tells(tokenizer):
            raise InputError(
                f"--translator {path}: it has no tokens for languages, so it translates into one "
                "only; write {code} in its name where the language's code stands"
            )
        return tokenizer


class _Runner:
    """A loaded model that translates into one language."""

    def __init__(self, model: Any, tokenizer: PreTrainedTokenizerBase, told: Direction) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.told = told
        limits = (
            getattr(model.config, "max_position_embeddings", None),
            tokenizer.model_max_length,
        )
        self.limit = min(limit for limit in (*limits, _LONGEST) if limit)

    def length(self, text: str) -> int:
        """Return the number of tokens that the model reads for `text`."""
        return len(self.tokenizer(self.told.prefix + text, verbose=False)["input_ids"])

    def pieces(self, text: str) -> list[str]:
        """Return `text`, in parts if it is too long: its sentences, or else its halves."""
        if self.length(text) <= self.limit or len(text) < 2:
            return [text]
        parts = [text[low:high] for low, high in sentences.cut(text)]
        if len(parts) < 2:
            blanks = [blank.start() for blank in re.finditer(r"(?<=\S)\s+(?=\S)", text)]
            middle = min(blanks or [len(text) // 2], key=lambda at: abs(at - len(text) // 2))
            parts = [text[:middle], text[middle:]]
        return [piece for part in parts for piece in self.pieces(part.strip())]

    def batches(self, texts: Sequence[str], budget: int) -> Iterator[list[str]]:
        """Yield `texts` from the longest to the shortest, as many at a time as `budget` allows.

        The budget is for padded tokens; a text that is longer is alone. Texts in one batch have one
        limit to their translations, which is thus no matter of what else is translated.
        """
        lengths = {text: -(-self.length(text) // _STEP) * _STEP for text in texts}
        batch: list[str] = []
        for text in sorted(texts, key=lambda text: (-lengths[text], text)):
            length = lengths[text]
            if batch and (length != lengths[batch[0]] or (len(batch) + 1) * length > budget):
                yield batch
                batch = []
            batch.append(text)
        if batch:
            yield batch

    @torch.inference_mode()
    def generate(self, texts: Sequence[str], beams: int) -> tuple[list[str], int]:
        """Return the translations of a batch, and how many of them came to no end."""
        inputs = self.tokenizer(
            [self.told.prefix + text for text in texts], return_tensors="pt", padding=True
        )
        length = -(-inputs["input_ids"].shape[1] // _STEP) * _STEP
        ids = self.model.generate(
            input_ids=inputs["input_ids"].to(self.model.device),
            attention_mask=inputs["attention_mask"].to(self.model.device),
            num_beams=beams,
            do_sample=False,
            max_length=None,
            max_new_tokens=min(self.limit - 1, _LONGER * length + _MORE),
            **({} if self.told.forced is None else {"forced_bos_token_id": self.told.forced}),
        )
        ids = ids[:, 1 if self.told.forced is None else 2 :]  # not what the decoder starts with
        ended = (ids == self.tokenizer.eos_token_id).any(dim=1)
        translations = self.tokenizer.batch_decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return [text.strip() for text in translations], int((~ended).sum())


def _load_model(path: str, at: Mapping[str, str]) -> Any:
    try:
        model, loaded = AutoModelForSeq2SeqLM.from_pretrained(
            path,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            **at,
        )
    except Exception as error:  # as above
        raise MissingError(
            f"--translator {path}: its weights do not load ({_reason(error)}); it needs a "
            "sequence-to-sequence model saved as safetensors"
        ) from None
    if absent := sorted(loaded["missing_keys"]):
        raise InputError(
            f"--translator {path}: its weights lack {len(absent)} parameters ({absent[0]}, ...); "
            "save the whole model"
        )
    return model


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


def _reason(error: Exception) -> str:
    """Return in one line why a tokenizer or a model does not load."""
    if "SentencePiece" in str(error):  # transformers says it in twelve lines
        return "it needs sentencepiece: pip install sentencepiece"
    return reason(error)
