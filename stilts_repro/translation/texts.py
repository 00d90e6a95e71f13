"""Translators of plain text, whose translations are kept on disk as soon as they are made.

So a run can be stopped and go on. A folder holds the translations into one language by one version
of one translator. Each run that adds to it writes a file of its own, a line a translation, and
reads the files of all: processes never write to one file, and a line that a kill cut off stays the
last of its file. `STILTS_CACHE` says where, as for features, or is `off`.
"""

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from stilts_repro.data.cache import cache_root
from stilts_repro.data.source import Row, Source
from stilts_repro.errors import reason
from stilts_repro.jsonio import content_hash, write_json
from stilts_repro.streams import say_once
from stilts_repro.tasks.format import Text
from stilts_repro.translation.passages import Passage, TranslatedText
from stilts_repro.translation.rows import Translator, Turn

CHUNK = 512  # texts translated between two writes: what a kill can lose at most
RULES = 1  # goes up when texts are split or put together otherwise


class TextTranslator(Translator, Protocol):
    """A translator of English rows that has only to translate plain texts."""

    def translate(self, texts: Sequence[str], target: str) -> list[str]:
        """Return the translations of English `texts`, in order; raises what `Translator` does."""
        ...

    def originals(self, source: Source, turn: Turn, target: str) -> list[Row]:
        """Return the English rows."""
        return source.load(*turn[:4])[turn.start :: turn.step]

    def translations(self, texts: Sequence[Text], target: str) -> list[TranslatedText | None]:
        """Translate texts by their sentences, each once; answers are looked for in them."""
        passages = [Passage.of(text) for text in texts]
        pieces = list(dict.fromkeys(piece for passage in passages for piece in passage.pieces))
        translated = dict(zip(pieces, translate_cached(self, pieces, target), strict=True))
        return [passage.translated(translated, target) for passage in passages]


def translate_cached(translator: TextTranslator, texts: Sequence[str], target: str) -> list[str]:
    """Return the translations of `texts`, in order; those on disk are not made anew.

    Equal texts are translated once, blank ones not at all. What is new is translated from the
    shortest to the longest, `CHUNK` texts at a time, and kept after each chunk. Where nothing can
    be written nothing is kept; stderr says so once.
    """
    identity = (translator.version(target), target, RULES)
    folder = _folder(identity)
    keys = {text: _key(identity, text) for text in dict.fromkeys(texts) if text.strip()}
    known = _read(folder) if folder and keys else {}
    absent = [text for text, key in keys.items() if key not in known]
    absent.sort(key=lambda text: (len(text), text))
    shard = folder / f"{uuid.uuid4().hex}.jsonl" if folder else None
    for at in range(0, len(absent), CHUNK):
        chunk = absent[at : at + CHUNK]
        made = dict(zip(chunk, translator.translate(chunk, target), strict=True))
        new = {keys[text]: translation for text, translation in made.items()}
        known |= new
        if shard and not _append(shard, new, identity):
            shard = None
    return [known[keys[text]] if text in keys else "" for text in texts]


def _folder(identity: tuple[str, str, int]) -> Path | None:
    root = cache_root()  # one rule for the whole cache
    return root and root / "translations" / content_hash(identity)


def _key(identity: tuple[str, str, int], text: str) -> str:
    parts = json.dumps([*identity, text])  # escapes what UTF-8 cannot hold
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def _read(folder: Path) -> dict[str, str]:
    """Return the translations in `folder` by key; a damaged line counts as none."""
    translations: dict[str, str] = {}
    for file in sorted(folder.glob("*.jsonl")):
        # The cache never fails a run: what cannot be read is translated again.
        with contextlib.suppress(OSError), file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    if isinstance(entry["text"], str):
                        translations[entry["key"]] = entry["text"]
    return translations


def _append(shard: Path, translations: dict[str, str], identity: tuple[str, str, int]) -> bool:
    """Write `translations` through to the disk; False where that failed."""
    lines = [json.dumps({"key": key, "text": text}) + "\n" for key, text in translations.items()]
    try:
        if not shard.exists():
            shard.parent.mkdir(parents=True, exist_ok=True)
            about = dict(zip(("translator", "target", "rules"), identity, strict=True))
            write_json(shard.parent / "about.json", about)
        with shard.open("a", encoding="ascii") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        say_once(
            f"translation cache: {shard.parent} cannot be written ({reason(error)}); "
            "translations are not kept"
        )
        return False
    return True
