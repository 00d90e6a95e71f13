"""Features on disk: made once, then mapped into memory by every run and every process.

An entry is a folder of `.npy` files under a hash of all that decides the features: the examples,
the format and its limits, the tokenizer, and the code that makes them. It appears by one rename,
whole; no entry is ever changed. `STILTS_CACHE` names the cache's folder, or is `off`.

(Safetensors has one file an entry, but its reader for numpy copies it: every process would
hold its own, and a large entry would take two to three times as long to open.)
"""

import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from transformers import PreTrainedTokenizerBase as Tokenizer

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError, reason
from stilts_repro.folders import expanded
from stilts_repro.streams import say_once

CACHE = "STILTS_CACHE"
PACKAGE = Path(__file__).parents[1]
MAKERS = ("data", "tasks")  # the folders of the package whose code decides what features are
DESCRIPTION = "features.json"
SPECIALS = ("bos", "eos", "cls", "sep", "unk", "pad", "mask")


class Featuriser(Protocol):
    """A format; its `repr` tells all its settings."""

    def featurise(self, examples: Sequence[Any], tokenizer: Tokenizer, limits: Any) -> Features:
        """Tokenise `examples`."""


def featurise(
    kind: Featuriser, examples: Sequence[Any], tokenizer: Tokenizer, limits: Any
) -> Features:
    """Return `kind.featurise(examples, tokenizer, limits)`, from the cache where it is there.

    The cache never fails a run: a damaged entry is made anew, and where nothing can be written
    nothing is kept; stderr says so once. Arrays that come from the cache are read-only.
    """
    root = cache_root()
    if root is None or getattr(tokenizer, "backend_tokenizer", None) is None:
        return kind.featurise(examples, tokenizer, limits)
    entry = root / "features" / _key(kind, examples, tokenizer, limits)
    features, damaged = _look(entry)
    if features is not None:
        return features
    features = kind.featurise(examples, tokenizer, limits)
    try:
        _write(entry, features, damaged)
        if damaged:
            say_once(f"feature cache: {entry} was damaged; it has been made anew")
    except OSError as error:
        say_once(
            f"feature cache: {root} cannot be written ({reason(error)}); features are not kept"
        )
    return features


def cache_root() -> Path | None:
    """Return the cache's folder, None where there is none: it is off, or there is no home."""
    shared = os.environ.get("XDG_CACHE_HOME", "")  # one that is not absolute does not count
    shared = shared if os.path.isabs(shared) else "~/.cache"  # noqa: PTH117
    named = os.environ.get(CACHE, f"{shared}/stilts_repro").strip()
    if named in ("", "off"):
        return None
    try:
        return Path(expanded(named))
    except InputError as error:
        say_once(f"feature cache: {error}; nothing is kept ({CACHE} names another folder)")
        return None


def _key(kind: Featuriser, examples: Sequence[Any], tokenizer: Tokenizer, limits: Any) -> str:
    digest = hashlib.sha256()
    for part in (_code_hash(), tokenizer_hash(tokenizer), repr(kind), repr(limits)):
        digest.update(part.encode() + b"\0")
    for example in examples:
        digest.update(repr(example).encode() + b"\0")
    return digest.hexdigest()[:32]


@cache
def _code_hash() -> str:
    digest = hashlib.sha256(version("tokenizers").encode() + version("transformers").encode())
    for folder in MAKERS:
        for file in sorted((PACKAGE / folder).rglob("*.py")):
            digest.update(str(file.relative_to(PACKAGE)).encode() + file.read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=8)
def tokenizer_hash(tokenizer: Tokenizer) -> str:
    """Return a hash of what a fast `tokenizer` does; one that has been used must not be changed.

    It is of the tokenizer as it was loaded, whichever of its files said so: settings, vocabulary,
    merges, added tokens.
    """
    description = json.loads(tokenizer.backend_tokenizer.to_str())
    description["truncation"] = description["padding"] = None  # set anew by every call
    description["settings"] = [
        type(tokenizer).__name__,
        getattr(tokenizer, "split_special_tokens", None),
        [getattr(tokenizer, f"{name}_token_id") for name in SPECIALS],
        sorted(tokenizer.all_special_ids),
        [*tokenizer.model_input_names],  # whether it makes segment ids
    ]
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()


def _write(entry: Path, features: Features, damaged: bool) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=entry.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        arrays = {"ids": features.ids, "offsets": features.offsets}
        arrays |= {f"token.{name}": column for name, column in features.token.items()}
        arrays |= {f"unit.{name}": column for name, column in features.unit.items()}
        for name, array in arrays.items():
            np.save(new / f"{name}.npy", array, allow_pickle=False)
        description = {
            "group": features.group,
            "truncated": int(features.truncated),
            "sums": {name: _sum(array) for name, array in arrays.items()},
        }
        (new / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
        try:
            if damaged:  # who has it mapped keeps his map
                entry.rename(Path(scratch) / "old")
            new.rename(entry)
        except OSError:
            if not entry.is_dir():  # else another process was faster: its entry is as good
                raise


def _look(entry: Path) -> tuple[Features | None, bool]:
    """Return the features of `entry`, None where it is of no use, and whether it is damaged."""
    for _ in range(2):  # another process may put it there, whole, just after it was looked for
        try:
            return _read(entry), False
        except FileNotFoundError:
            if not entry.exists():
                return None, False
        except Exception:  # half a header, bad JSON, ...: a damaged file may raise anything
            break
    return None, True


def _read(entry: Path) -> Features:
    description = json.loads((entry / DESCRIPTION).read_text(encoding="utf-8"))
    arrays: dict[str, np.ndarray] = {}
    for name, checksum in description["sums"].items():
        mapped = np.load(entry / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        arrays[name] = mapped.view(np.ndarray)
        if _sum(mapped) != checksum:
            raise ValueError(f"{name}: not what was written")
    return Features(
        **{name: array for name, array in arrays.items() if "." not in name},
        group=description["group"],
        token={n[6:]: array for n, array in arrays.items() if n.startswith("token.")},
        unit={n[5:]: array for n, array in arrays.items() if n.startswith("unit.")},
        truncated=description["truncated"],
    )


def _sum(array: np.ndarray) -> str:
    # Of the array itself: a copy would be as large as the entry, and take longer than the sum.
    crc = zlib.crc32(np.ascontiguousarray(array).data)
    return f"{array.dtype.str} {array.shape} {crc:08x}"
