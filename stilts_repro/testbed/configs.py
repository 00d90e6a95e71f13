"""The table of the testbed's data sets: how a row of each is made, and how many there are.

Tatoeba and BUCC, whose rows depend on one another, are in `rows.retrieval`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from stilts_repro.testbed.languages import CODES, LANGUAGES
from stilts_repro.testbed.rows import (
    XQUAD_R,
    XTREME,
    Draw,
    Row,
    anli,
    ccgbank,
    commonsense_qa,
    cosmos_qa,
    hellaswag,
    nli,
    paraphrase,
    squad,
    tagging,
)


@dataclass(frozen=True)
class Config:
    """How to make one config's rows.

    Configs with equal `family` share their meanings row by row; `{code}` in it stands for the row's
    language. With `interleaved`, row i is in language i mod 8 and tells meaning i div 8.
    """

    family: str
    row: Callable[[Draw], Row]
    sizes: dict[str, int]
    code: str = "en"
    interleaved: bool = False


_HELD_OUT = {"validation": 500, "test": 500}
_TRAINED = {"train": 20_000, "validation": 500}
_CCGBANK = ("ldc/ccgbank", "default")
_INTERMEDIATE = {
    # As many as XNLI takes at its longer scale; elsewhere trainings take the first 20,000.
    ("nyu-mll/glue", "mnli"): Config(
        "mnli", nli.mnli, {"train": 100_000, "validation_matched": 500}
    ),
    ("rajpurkar/squad", "plain_text"): Config("squad", squad.squad, _TRAINED),
    ("rajpurkar/squad_v2", "squad_v2"): Config("squad_v2", squad.squad_v2, _TRAINED),
    ("Rowan/hellaswag", "default"): Config("hellaswag", hellaswag.hellaswag, _TRAINED),
    ("nyu-mll/glue", "qqp"): Config("qqp", paraphrase.qqp, _TRAINED),
    ("facebook/anli", "plain_text"): Config(
        "anli",
        anli.anli,
        {"train_r1": 2_000, "train_r2": 4_000, "train_r3": 8_000}
        | {"dev_r1": 200, "dev_r2": 200, "dev_r3": 200},
    ),
    ("stanfordnlp/snli", "plain_text"): Config("snli", nli.snli, {"train": 20_000} | _HELD_OUT),
    ("allenai/cosmos_qa", "default"): Config("cosmos_qa", cosmos_qa.cosmos_qa, _TRAINED),
    ("tau/commonsense_qa", "default"): Config(
        "commonsense_qa", commonsense_qa.commonsense_qa, {"train": 10_000, "validation": 500}
    ),
    _CCGBANK: Config("ccgbank", ccgbank.ccgbank, {"train": 10_000} | _HELD_OUT),
}
# Their meanings are drawn before anything is said, so any language can say them. CCG's tags are
# English.
PARALLEL = frozenset(_INTERMEDIATE) - {_CCGBANK}


def split_of_subset(subset: str) -> str:
    """Return whose events the rows of a hub's split may use: the dev rounds of ANLI validate."""
    name = subset.removesuffix("_matched").partition("_r")[0]
    return {"dev": "validation"}.get(name, name)


@cache
def configs() -> dict[tuple[str, str], Config]:
    """Return every config whose rows are drawn independently of one another."""
    in_all = {split: size * len(CODES) for split, size in _HELD_OUT.items()}
    everywhere = {"train": 400 * len(CODES)} | in_all
    table = _INTERMEDIATE | {
        # As many as the calibration of a model wants.
        (XTREME, "XNLI"): Config(
            "XNLI",
            nli.xnli,
            {split: 2_000 * len(CODES) for split in _HELD_OUT},
            interleaved=True,
        ),
        # Every language has other questions.
        (XTREME, "tydiqa"): Config("tydiqa.{code}", squad.tydiqa, everywhere, interleaved=True),
    }
    for code, language in LANGUAGES.items():
        sizes = ({"train": 20_000} if code == "en" else {}) | _HELD_OUT
        table |= {
            (XTREME, f"PAWS-X.{code}"): Config("PAWS-X", paraphrase.pawsx, sizes, code),
            (XTREME, f"PAN-X.{code}"): Config("PAN-X.{code}", tagging.panx, sizes, code),
            (XTREME, f"udpos.{language.name}"): Config("udpos.{code}", tagging.udpos, sizes, code),
            (XTREME, f"XQuAD.{code}"): Config("XQuAD", squad.xquad, _HELD_OUT, code),
            (XTREME, f"MLQA.{code}.{code}"): Config("MLQA", squad.mlqa, _HELD_OUT, code),
            (XQUAD_R, code): Config("XQuAD", squad.xquad, {"validation": 500}, code),
        }
    return table
