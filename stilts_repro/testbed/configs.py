"""Which data sets the testbed has: their sizes, and how each of their rows is drawn and made."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from stilts_repro.testbed.grammar import Grammar, Style
from stilts_repro.testbed.languages import LANGUAGES
from stilts_repro.testbed.rows import (
    adversarial,
    commonsense,
    inference,
    lasting,
    narrative,
    paraphrase,
    questions,
    reading,
    structure,
    tagging,
)
from stilts_repro.testbed.world import Sampler

Row = dict[str, Any]
CODES = tuple(LANGUAGES)
XTREME = "google/xtreme"
HELD_OUT = {"validation": 500, "test": 500}
_ANLI_SIZES = {"train_r1": 2_000, "train_r2": 4_000, "train_r3": 8_000} | dict.fromkeys(
    ("dev_r1", "dev_r2", "dev_r3"), 200
)
# Their meanings are drawn before anything is said, so any language can say them.
PARALLEL = frozenset(
    (
        *(("nyu-mll/glue", "mnli"), ("nyu-mll/glue", "qqp"), ("stanfordnlp/snli", "plain_text")),
        *(("facebook/anli", "plain_text"), ("rajpurkar/squad", "plain_text")),
        *(("rajpurkar/squad_v2", "squad_v2"), ("Rowan/hellaswag", "default")),
        *(("allenai/cosmos_qa", "default"), ("tau/commonsense_qa", "default")),
    )
)
_SQUAD_LENGTH, _MLQA_LENGTH = (3, 6), (6, 9)
_UNANSWERABLE = 1 / 3


class Draw(NamedTuple):
    """All that one row may depend on; `number` counts meanings, not rows.

    `split` is 'train', 'validation' or 'test', and `subset` the hub's name for the rows' split.
    """

    rng: random.Random
    sampler: Sampler
    speaker: Grammar
    split: str
    subset: str
    number: int


@dataclass(frozen=True)
class Config:
    """How to make one config's rows.

    Configs with equal `family` share their meanings row by row. With `interleaved`, row i is in
    language i mod 8 and tells meaning i div 8.
    """

    family: str
    row: Callable[[Draw], Row]
    sizes: dict[str, int]
    code: str = "en"
    interleaved: bool = False


def split_of_subset(subset: str) -> str:
    """Return whose events the rows of a hub's split may use: the dev rounds of ANLI validate."""
    name = subset.removesuffix("_matched").partition("_r")[0]
    return {"dev": "validation"}.get(name, name)


def _mnli(draw: Draw) -> Row:
    item = inference.draw(draw.rng, draw.sampler)
    return inference.mnli_row(item, draw.speaker, draw.number)


def _xnli(draw: Draw) -> Row:
    return inference.xnli_row(inference.draw(draw.rng, draw.sampler), draw.speaker)


def _pawsx(draw: Draw) -> Row:
    return paraphrase.row(paraphrase.draw(draw.rng, draw.sampler), draw.speaker)


def _hellaswag(draw: Draw) -> Row:
    item = commonsense.draw(draw.rng, draw.sampler)
    row = commonsense.row(item, draw.speaker, draw.number, draw.split)
    if draw.speaker.language.code == "en":
        return row
    # Where the verb is not second, no cut leaves all endings whole: they begin with the sentence.
    then = Style(pronoun=True, then=True)
    endings = [draw.speaker.sentence_text(event, then) for event in item.endings]
    return row | {"ctx_b": "", "ctx": row["ctx_a"], "endings": endings}


def _squad(draw: Draw) -> Row:
    item = reading.draw(draw.rng, draw.sampler, _SQUAD_LENGTH)
    return reading.squad_row(item, draw.speaker, f"squad-{draw.split}-{draw.number}", title=True)


def _squad_v2(draw: Draw) -> Row:
    unanswerable = draw.rng.random() < _UNANSWERABLE
    make = reading.draw_unanswerable if unanswerable else reading.draw
    item = make(draw.rng, draw.sampler, _SQUAD_LENGTH)
    return reading.squad_row(item, draw.speaker, f"squad_v2-{draw.split}-{draw.number}", title=True)


def _xquad(draw: Draw) -> Row:
    item = reading.draw(draw.rng, draw.sampler, _SQUAD_LENGTH)
    return reading.squad_row(item, draw.speaker, f"xquad-{draw.split}-{draw.number}", title=False)


def _mlqa(draw: Draw) -> Row:
    item = reading.draw(draw.rng, draw.sampler, _MLQA_LENGTH)
    return reading.squad_row(item, draw.speaker, f"mlqa-{draw.split}-{draw.number}", title=True)


def _tydiqa(draw: Draw) -> Row:
    item = reading.draw(draw.rng, draw.sampler, _SQUAD_LENGTH, elliptical=True)
    row_id = f"{draw.speaker.language.name.lower()}-{draw.split}-{draw.number}"
    return reading.squad_row(item, draw.speaker, row_id, title=True)


def _panx(draw: Draw) -> Row:
    return tagging.panx_row(draw.rng, draw.sampler, draw.speaker)


def _udpos(draw: Draw) -> Row:
    return tagging.udpos_row(draw.rng, draw.sampler, draw.speaker)


def _qqp(draw: Draw) -> Row:
    return questions.row(questions.draw(draw.rng, draw.sampler), draw.speaker, draw.number)


def _anli(draw: Draw) -> Row:
    sentences = adversarial.SENTENCES[draw.subset.partition("_")[2]]
    item = adversarial.draw(draw.rng, draw.sampler, sentences)
    return adversarial.row(item, draw.speaker, f"anli-{draw.subset}-{draw.number}")


def _snli(draw: Draw) -> Row:
    item = inference.draw(draw.rng, draw.sampler, other_rate=0.0)
    return inference.snli_row(item, draw.speaker, draw.rng)


def _cosmos_qa(draw: Draw) -> Row:
    item = narrative.draw(draw.rng, draw.sampler)
    return narrative.row(item, draw.speaker, f"cosmos_qa-{draw.split}-{draw.number}")


def _commonsense_qa(draw: Draw) -> Row:
    item = lasting.draw(draw.rng, lasting.facts(draw.sampler.world, draw.split))
    row = lasting.row(item, draw.speaker, f"commonsense_qa-{draw.split}-{draw.number}")
    choices = [_named(draw.speaker, choice) for choice in item.choices]
    return row | {"choices": {"label": list(lasting.LETTERS), "text": choices}}


def _named(speaker: Grammar, concept: str) -> str:
    """Return a name or a lemma in the speaker's language, uninflected."""
    if speaker.world.entity_type(concept):
        return " ".join(speaker.lexicon.name(concept))
    return speaker.lexicon.stems[concept]


def _ccgbank(draw: Draw) -> Row:
    return structure.row(draw.rng, draw.sampler, draw.speaker)


@cache
def configs() -> dict[tuple[str, str], Config]:
    """Return every config whose rows are drawn independently of one another."""
    intermediate = {"train": 20_000, "validation": 500}
    mnli = {"train": 20_000, "validation_matched": 500}
    everywhere = {"train": 400 * len(CODES)} | {
        split: size * len(CODES) for split, size in HELD_OUT.items()
    }
    in_all = {split: everywhere[split] for split in HELD_OUT}
    table = {
        ("nyu-mll/glue", "mnli"): Config("mnli", _mnli, mnli),
        ("rajpurkar/squad", "plain_text"): Config("squad", _squad, intermediate),
        ("rajpurkar/squad_v2", "squad_v2"): Config("squad_v2", _squad_v2, intermediate),
        ("Rowan/hellaswag", "default"): Config("hellaswag", _hellaswag, intermediate),
        ("nyu-mll/glue", "qqp"): Config("qqp", _qqp, intermediate),
        ("facebook/anli", "plain_text"): Config("anli", _anli, _ANLI_SIZES),
        ("stanfordnlp/snli", "plain_text"): Config("snli", _snli, {"train": 20_000} | HELD_OUT),
        ("allenai/cosmos_qa", "default"): Config("cosmos_qa", _cosmos_qa, intermediate),
        ("tau/commonsense_qa", "default"): Config(
            "commonsense_qa", _commonsense_qa, {"train": 10_000, "validation": 500}
        ),
        ("ldc/ccgbank", "default"): Config("ccgbank", _ccgbank, {"train": 10_000} | HELD_OUT),
        (XTREME, "XNLI"): Config("XNLI", _xnli, in_all, interleaved=True),
        (XTREME, "tydiqa"): Config("tydiqa", _tydiqa, everywhere, interleaved=True),
    }
    for code, language in LANGUAGES.items():
        trained = ({"train": 4_000} if code == "en" else {}) | HELD_OUT
        table |= {
            (XTREME, f"PAWS-X.{code}"): Config("PAWS-X", _pawsx, trained, code),
            (XTREME, f"PAN-X.{code}"): Config(f"PAN-X.{code}", _panx, trained, code),
            (XTREME, f"udpos.{language.name}"): Config(f"udpos.{code}", _udpos, trained, code),
            (XTREME, f"XQuAD.{code}"): Config("XQuAD", _xquad, HELD_OUT, code),
            (XTREME, f"MLQA.{code}.{code}"): Config("MLQA", _mlqa, HELD_OUT, code),
        }
    return table
