"""MNLI, XNLI and SNLI rows: whether a hypothesis follows from a premise.

A premise tells one or two events. The hypothesis is about the first, as annotators take it in MNLI:
another place, time, number, or an antonym, contradicts it; anything not said is neutral.

Most rows have the cues that annotators leave in the real sets (Gururangan et al. 2018: of MNLI's
labels, 53 % can be told from the hypothesis alone): what contradicts is often just denied, and what
is neutral brings up something else. The other rows are alike on the surface whatever their label.
"""

import random
from typing import NamedTuple

from stilts_repro.testbed.corpus import random_style
from stilts_repro.testbed.grammar import Grammar, Line, Style
from stilts_repro.testbed.inference import LABELS, changeable, judge, opposite, unsaid
from stilts_repro.testbed.meanings import MODIFIERS, Event
from stilts_repro.testbed.rows import Draw, Row
from stilts_repro.testbed.world import Sampler

_CUES = 0.6  # how many rows have them
_NO_MAJORITY = 0.01  # how many SNLI rows have no label, for their annotators disagreed


class Inference(NamedTuple):
    """A premise, a hypothesis, whose style has no title, and its label after the premise.

    With `described`, the text of the hypothesis names its agent by occupation (ANLI).
    """

    premise: tuple[Line, ...]
    hypothesis: Event
    hypothesis_style: Style
    label: str
    described: bool = False

    @property
    def events(self) -> list[Event]:
        """The events of the premise."""
        return [line.meaning for line in self.premise if isinstance(line.meaning, Event)]

    def texts(self, speaker: Grammar) -> tuple[str, str]:
        """Return the texts of premise and hypothesis."""
        hypothesis = self.hypothesis
        if self.described:
            occupation = speaker.world.persons[hypothesis.agent].occupation
            hypothesis = hypothesis.but(agent=occupation)
        premise = " ".join(speaker.sentence_text(*line) for line in self.premise)
        return premise, speaker.sentence_text(hypothesis, self.hypothesis_style)


def draw_pair(rng: random.Random, sampler: Sampler) -> tuple[Event, Event, str]:
    """Draw an event, a hypothesis about it, and the label of this."""
    main = sampler.event(rng, negated=0.25)
    while not changeable(main):
        main = sampler.event(rng, negated=0.25)
    label = rng.choice(LABELS)
    hypothesis = _hypothesis(rng, sampler, main, label)
    while judge(main, hypothesis) != label:
        hypothesis = _hypothesis(rng, sampler, main, label)
    return main, hypothesis, label


def draw_obvious_pair(rng: random.Random, sampler: Sampler) -> tuple[Event, Event, str]:
    """Draw as `draw_pair`, with a hypothesis as annotators are quick to write it.

    What follows is a part of what was said, what contradicts denies it or changes a word, and
    what is neutral is something else about the same agent.
    """
    main = sampler.event(rng, negated=0.1)
    label = rng.choice(LABELS)
    while True:
        hypothesis = _obvious(rng, sampler, main, label)
        if judge(main, hypothesis) == label:
            return main, hypothesis, label


def _obvious(rng: random.Random, sampler: Sampler, premise: Event, label: str) -> Event:
    if label == "neutral":
        return sampler.event(rng, premise.agent, negated=0.1)
    if label == "contradiction":
        slots = changeable(premise)
        if slots and not premise.negated and rng.random() < 0.4:
            return opposite(rng, premise, rng.choice(slots))
        premise = premise.but(negated=not premise.negated)
    dropped = dict.fromkeys(slot for slot in MODIFIERS if rng.random() < 0.4)
    return premise.but(**dropped)


def draw_inference(
    rng: random.Random, sampler: Sampler, other_rate: float = 0.5, cues: float = _CUES
) -> Inference:
    """Draw a premise, a label, and a hypothesis that has it; tell another event at `other_rate`.

    `cues` is the share of rows whose hypothesis is as annotators are quick to write it.
    """
    make = draw_obvious_pair if rng.random() < cues else draw_pair
    main, hypothesis, label = make(rng, sampler)
    events = [main]
    if rng.random() < other_rate:
        other = sampler.event(rng, sampler.agent_for(rng, main.patient, but=(main.agent,)))
        if other.patient != main.patient and judge(other, hypothesis) == "neutral":
            events.append(other)
    premise = tuple(Line(event, random_style(rng, event)) for event in events)
    # A title would claim an occupation that the premise need not tell.
    return Inference(premise, hypothesis, random_style(rng, hypothesis, titles=False), label)


def _hypothesis(rng: random.Random, sampler: Sampler, premise: Event, label: str) -> Event:
    """Draw a hypothesis meant to have `label`, its slots and polarity alike for all labels.

    One slot is in focus and is kept whatever the label; what happens to it makes the label. Other
    modifiers are dropped half of the time, except that a denied premise implies only what is at
    least as specific.
    """
    focus = rng.choice(changeable(premise))
    specific = premise.negated and label != "neutral"
    dropped: dict[str, None] = {}
    for slot in MODIFIERS:
        stays = specific or rng.random() < 0.5
        if not (stays or slot == focus):
            dropped[slot] = None
    negated = _polarity(rng, premise, label)
    affirmed = "contradiction" if negated else "entailment"
    hypothesis = premise.but(**dropped, negated=negated)
    if label == "neutral" and not (premise.negated and any(dropped) and rng.random() < 0.5):
        hypothesis = unsaid(rng, sampler, hypothesis, focus)
    elif label not in ("neutral", affirmed) and not premise.negated:
        hypothesis = opposite(rng, hypothesis, focus)
    social = premise.patient in sampler.world.persons
    if not (social or premise.negated or hypothesis.adjective) and rng.random() < 0.3:
        hypothesis = hypothesis.but(generic=True)
    return hypothesis


def _polarity(rng: random.Random, premise: Event, label: str) -> bool:
    """Draw whether the hypothesis is negated: in four of ten hypotheses of every label.

    After a negated premise (one in four) the label decides; other premises make up for it.
    """
    if label == "neutral":
        return rng.random() < 0.4
    if premise.negated:
        return label == "entailment"
    return rng.random() < (0.2 if label == "entailment" else 0.533)


def mnli(draw: Draw) -> Row:
    """Return a row of nyu-mll/glue mnli."""
    item = draw_inference(draw.rng, draw.sampler)
    premise, hypothesis = item.texts(draw.speaker)
    label = LABELS.index(item.label)
    return {"premise": premise, "hypothesis": hypothesis, "label": label, "idx": draw.number}


def xnli(draw: Draw) -> Row:
    """Return a row of google/xtreme XNLI."""
    item = draw_inference(draw.rng, draw.sampler)
    premise, hypothesis = item.texts(draw.speaker)
    return {
        "language": draw.speaker.language.code,
        "sentence1": premise,
        "sentence2": hypothesis,
        "gold_label": item.label,
    }


def snli(draw: Draw) -> Row:
    """Return a row of stanfordnlp/snli; the label is -1 where there was no majority for any."""
    item = draw_inference(draw.rng, draw.sampler, other_rate=0.0)
    premise, hypothesis = item.texts(draw.speaker)
    label = -1 if draw.rng.random() < _NO_MAJORITY else LABELS.index(item.label)
    return {"premise": premise, "hypothesis": hypothesis, "label": label}
