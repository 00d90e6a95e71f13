"""A pre-trained model before its weights are loaded: where it is, and whether it can be used.

A model is a directory in the Hugging Face layout (configuration, safetensors weights, tokenizer)
or a hub id, `ID` or `ID@COMMIT`. What cannot work is said here, before anything is trained.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)

from stilts_repro.data.hub import check_home
from stilts_repro.errors import InputError, MissingError, reason
from stilts_repro.folders import check_name
from stilts_repro.models.attention import PACKS
from stilts_repro.tasks.tokens import specials_of

INDEX = "model.safetensors.index.json"
WEIGHTS = ("model.safetensors", INDEX)
# Any of these can make a tokenizer: what the classes of tokenizers call their vocabularies.
TOKENIZERS = (
    *("tokenizer.json", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model"),
    *("vocab.txt", "vocab.json"),
)
LANGUAGE_MODELS = (
    *(MODEL_FOR_MASKED_LM_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING),
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
)
MASKED_HEADS = ("lm_head", "cls")  # what transformers' classes call it (RoBERTa's, BERT's)


def check_directory(model: str) -> None:
    """Raise where `model` is a directory that cannot be a backbone; a hub id passes.

    `MissingError` names the file that is not there, `InputError` a name that is not UTF-8.
    """
    check_name("--model", model)
    path = Path(model)
    if not path.exists():
        if model.startswith((".", "/", "~")) or model.count("/") > 1:
            raise MissingError(
                f"--model {model}: no such directory; give a saved model or a hub id"
            )
        check_home()
        return
    if not path.is_dir():
        raise InputError(f"--model {model}: not a directory; give one in the Hugging Face layout")
    if not (path / "config.json").is_file():
        raise MissingError(f"--model {model}: no config.json in it; give a saved model")
    if not any((path / name).is_file() for name in WEIGHTS):
        raise MissingError(
            f"--model {model}: no weights in it ({WEIGHTS[0]}); save the model as safetensors"
        )
    if not any((path / name).is_file() for name in TOKENIZERS):
        raise MissingError(
            f"--model {model}: no tokenizer in it (tokenizer.json); save it beside the weights"
        )


def location(model: str) -> dict[str, Any]:
    """Return what `from_pretrained` is called with: path or id, commit, and never foreign code."""
    identity, _, commit = model.rpartition("@")
    if not identity or Path(model).exists():
        return {"pretrained_model_name_or_path": model, "trust_remote_code": False}
    return {
        "pretrained_model_name_or_path": identity,
        "revision": commit,
        "trust_remote_code": False,
    }


def pinned_model(model: str) -> str:
    """Return a hub id with the commit that it stands for now, a directory as it is.

    The commit is that of the configuration that was loaded last; an id of which none was loaded
    stays as it is.
    """
    if Path(model).exists() or "@" in model:
        return model
    config = try_to_load_from_cache(model, "config.json")
    return f"{model}@{Path(config).parent.name}" if isinstance(config, str) else model


def check_pretrained(model: str, longest: int, option: str = "--model") -> PreTrainedTokenizerBase:
    """Return the tokenizer of `model`, which can read sequences of `longest` tokens.

    All that can be told without the weights has then been looked at. Raises `InputError` or
    `MissingError`, which name the `option` that the model was given by.
    """
    try:
        return _checked(model, longest)
    except (InputError, MissingError) as error:
        raise type(error)(str(error).replace("--model", option, 1)) from None


def _checked(model: str, longest: int) -> PreTrainedTokenizerBase:
    config, tokenizer = load_config(model), load_tokenizer(model)
    shapes = _shapes(model)
    numbers = ("hidden_size", "num_hidden_layers", "vocab_size")
    absent = [name for name in numbers if not isinstance(getattr(config, name, None), int)]
    if absent or not any(type(config) in mapping for mapping in LANGUAGE_MODELS):
        raise InputError(
            f"--model {model}: transformers has no language model of type {config.model_type!r}"
            f"{' with ' if absent else ''}{', '.join(absent)}; choose one"
        )
    padding = config.pad_token_id
    if padding is not None and not 0 <= padding < config.vocab_size:
        raise InputError(
            f"--model {model}: its configuration pads with token {padding}, its embeddings end "
            f"before {config.vocab_size}; mend pad_token_id in config.json"
        )
    if padding is None and getattr(PACKS.get(config.model_type), "after_padding", False):
        raise InputError(
            f"--model {model}: positions of {config.model_type!r} are counted from the padding "
            "token, and its configuration names none; add pad_token_id to config.json"
        )
    largest = max(tokenizer.get_vocab().values())
    if largest >= config.vocab_size:
        raise InputError(
            f"--model {model}: its tokenizer has tokens up to {largest}, its embeddings end before "
            f"{config.vocab_size}; resize the embeddings, or save the tokenizer that belongs to it"
        )
    for rows in _embeddings(config, shapes):
        if rows != config.vocab_size:
            raise InputError(
                f"--model {model}: its configuration has {config.vocab_size} tokens, its "
                f"embeddings {rows}; mend vocab_size in config.json"
            )
    _check_length(model, config, longest)
    segments, kinds = specials_of(tokenizer).segments, getattr(config, "type_vocab_size", None) or 1
    if 1 < kinds <= max(segments, default=0):
        raise InputError(
            f"--model {model}: its tokenizer tells segments up to {max(segments)}, its embeddings "
            f"of them end before {kinds}; save the tokenizer that belongs to it"
        )
    return tokenizer


def check_masked(model: str, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise `InputError` where continued masked-language modelling cannot start from `model`."""
    if tokenizer.mask_token_id is None:
        raise InputError(
            f"--model {model}: its tokenizer has no mask token, which continued MLM needs; "
            "choose a masked language model, or leave mlm_continuation out"
        )
    names = _shapes(model)  # of a hub id none: loading will tell
    has_head = not names or any(name.startswith(MASKED_HEADS) for name in names)
    if type(load_config(model)) not in MODEL_FOR_MASKED_LM_MAPPING or not has_head:
        raise InputError(
            f"--model {model}: its weights have no masked-LM head; continued MLM needs one"
        )


def check_whole(option: str, model: str, absent: Collection[str]) -> None:
    """Raise `InputError` where loading `model` found parameters `absent` that must not be drawn."""
    if absent:
        raise InputError(
            f"{option} {model}: its weights lack {len(absent)} of the encoder's parameters "
            f"({min(absent)}, ...); save the whole model"
        )


def load_config(model: str) -> PreTrainedConfig:
    """Load the configuration of a directory or hub id; `MissingError` where it does not load."""
    config: PreTrainedConfig = _loaded(AutoConfig, model, "configuration")
    return config


def load_tokenizer(model: str) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a directory or hub id; one without a padding token pads with its end.

    Raises `MissingError` where it does not load, `InputError` where it cannot be used.
    """
    tokenizer: PreTrainedTokenizerBase = _loaded(AutoTokenizer, model, "tokenizer")
    if not tokenizer.is_fast:
        raise InputError(
            f"--model {model}: it has no fast tokenizer ({type(tokenizer).__name__} runs in "
            "Python), which alone tells where in a text a token lies; choose a model that has one"
        )
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise InputError(
                f"--model {model}: its tokenizer has neither a padding nor an end token; "
                "add a padding token"
            )
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _loaded(kind: Any, model: str, what: str) -> Any:
    """Return what `kind`, one of transformers' Auto classes, makes of `model`'s `what`."""
    check_directory(model)
    try:
        return kind.from_pretrained(**location(model))
    except Exception as error:  # a dozen unrelated kinds; of tokenizers' library bare `Exception`
        raise MissingError(
            f"--model {model}: its {what} does not load ({reason(error)}); save or copy it anew"
        ) from None


def fingerprint(model: str) -> str:
    """Return a hash of a directory's weights, configuration and `tokenizer.json`; else `model`.

    References go by it. What else a tokenizer may be made of is in its own hash (`data.cache`).
    """
    path = Path(model)
    if not path.is_dir():
        return model
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()):
        named = file.name in ("config.json", "tokenizer.json", INDEX)
        if file.suffix == ".safetensors" or named:
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _check_length(model: str, config: PreTrainedConfig, longest: int) -> None:
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None:  # relative positions have no end
        return
    # Where positions begin after padding's, the table has padding_idx + 1 that no token has. To
    # find out takes seconds, so it is asked only where it matters.
    skipped = (config.pad_token_id or 0) + 1
    room = positions
    if longest > positions - skipped and _after_padding(config):
        room -= skipped
    if longest > room:
        raise InputError(
            f"--model {model}: it reads {room} tokens, the scale's recipes up to "
            f"{longest}; choose a smaller --scale or a longer model"
        )


def _after_padding(config: PreTrainedConfig) -> bool:
    """Say whether positions begin after the padding token's id (RoBERTa's way), not at 0."""
    return any(
        name.endswith("position_embeddings") and getattr(table, "padding_idx", None) is not None
        for name, table in _modules(config)
    )


def size_of(config: PreTrainedConfig) -> int:
    """Return how many parameters a model with `config` has beside its embeddings.

    It is 0 where no model can be made of it.
    """
    parts = (part for _, part in _modules(config) if not isinstance(part, nn.Embedding))
    return sum(p.numel() for part in parts for p in part.parameters(recurse=False))


def _modules(config: PreTrainedConfig) -> list[tuple[str, nn.Module]]:
    """Return the modules of a model with `config`, shapes without memory; none if there is none."""
    try:
        with torch.device("meta"):
            backbone = AutoModel.from_config(config, trust_remote_code=False)
    except Exception:  # a configuration that no model can be made of: loading says so
        return []
    return list(backbone.named_modules())


def _embeddings(config: PreTrainedConfig, shapes: Mapping[str, Sequence[int]]) -> Iterator[int]:
    """Yield how many rows the token embeddings among the weights of such `shapes` have."""
    tables = (name for name, part in _modules(config) if isinstance(part, nn.Embedding))
    if first := next(tables, None):  # in all families, that of tokens comes first
        yield from (shape[0] for name, shape in shapes.items() if name.endswith(f"{first}.weight"))


def _shapes(model: str) -> dict[str, list[int]]:
    """Return the shapes of a directory's weights by their names; none of a hub id.

    Raises `MissingError` where a file is no safetensors or has lost its end.
    """
    shapes: dict[str, list[int]] = {}
    for file in sorted(Path(model).glob("*.safetensors")):
        try:
            with safe_open(file, "pt") as weights:
                shapes |= {key: weights.get_slice(key).get_shape() for key in weights.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise MissingError(
                f"--model {model}: its weights do not load ({file.name}: {reason(error)}); "
                "save or copy it anew"
            ) from None
    return shapes
