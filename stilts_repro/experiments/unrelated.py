"""Where rows such as `hellaswag+unrelated` run: the testbed whose languages share nothing."""

from dataclasses import replace

from stilts_repro.data.cache import tokenizer_hash
from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments.plan import Setting
from stilts_repro.experiments.scales import UNRELATED_DATA, UNRELATED_MODEL
from stilts_repro.models.pretrained import check_pretrained, fingerprint


def unrelated_setting(setting: Setting, longest: int) -> Setting:
    """Return `setting` with data and phase-(i) model of the unrelated testbed.

    Raises `InputError` where `setting` is not the testbed's or the model does not read `longest`
    tokens, `MissingError` where the model is not there.
    """
    if setting.data != "testbed":
        raise InputError(f"--data {setting.data}: only the testbed has unrelated languages")
    if not UNRELATED_MODEL.is_dir():
        raise MissingError(
            "+unrelated: no model of such languages; make it with python -m stilts_repro.pretrain "
            f"--testbed --unrelated --output {UNRELATED_MODEL}"
        )
    model = str(UNRELATED_MODEL)
    return replace(
        setting,
        model=model,
        model_hash=fingerprint(model),
        tokenizer_hash=tokenizer_hash(check_pretrained(model, longest)),
        data=UNRELATED_DATA,
        corpus=None,
        translator=None,
    )
