"""`--translator`: the testbed's own at an error rate, or a sequence-to-sequence model."""

from pathlib import Path

from stilts_repro.data.hub import check_home
from stilts_repro.errors import InputError
from stilts_repro.folders import check_name
from stilts_repro.translation.seq2seq import COMMIT, Seq2SeqTranslator, is_local
from stilts_repro.translation.testbed import TestbedTranslator
from stilts_repro.translation.translator import Translator

WAYS = "testbed:ERROR_RATE, a model's directory, or a hub id with its commit as ID@COMMIT"


def translator_of(spec: str) -> Translator | TestbedTranslator:
    """Return what `spec` names; `{code}` in a model's name stands for the language.

    Raises `InputError` where it is malformed or names a directory that is not there; weights are
    read with the first translation.
    """
    check_name("--translator", spec)
    kind, _, rate = spec.partition(":")
    if kind == "testbed":
        try:
            return TestbedTranslator(float(rate))
        except (ValueError, InputError):
            raise InputError(
                f"--translator {spec}: give testbed:ERROR_RATE, a share from 0 to 1"
            ) from None
    if spec and is_local(spec):
        if "{code}" not in spec and not Path(spec).is_dir():
            raise InputError(f"--translator {spec}: no such directory; give {WAYS}")
        return Seq2SeqTranslator(spec)
    model, _, commit = spec.partition("@")
    if not (model and COMMIT.fullmatch(commit)):
        raise InputError(f"--translator {spec}: no commit of 40 hex digits in it; give {WAYS}")
    check_home()
    return Seq2SeqTranslator(model, commit)
