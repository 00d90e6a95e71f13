"""No pair of participants is met in two splits, whatever the task."""

import itertools
import random

import pytest

from stilts_repro.testbed import TestbedSource
from stilts_repro.testbed.corpus import document
from stilts_repro.testbed.meanings import SPLITS, Event, split_of
from stilts_repro.testbed.rows import (
    anli,
    commonsense_qa,
    cosmos_qa,
    hellaswag,
    nli,
    paraphrase,
    retrieval,
    squad,
)
from stilts_repro.testbed.world import Sampler, world

WORLD = world(13)


def _meanings(lines):
    return [line.meaning for line in lines]


def _inference(rng, sampler):
    item = nli.draw_inference(rng, sampler)
    return [*item.events, item.hypothesis]


def _sentences(rng, sampler, draw=paraphrase.draw_sentences):
    item = draw(rng, sampler)
    return [part.event for part in (*item.first, *item.second)]


def _questions(rng, sampler):
    return _sentences(rng, sampler, paraphrase.draw_questions)


def _reading(rng, sampler, draw=squad.draw_reading):
    item = draw(rng, sampler, (3, 6))
    question = [item.question] if item.question.__class__ is Event else []
    # An elliptical question names its agent by occupation: the event itself is in the context.
    return _meanings(item.context) + question


def _unanswerable(rng, sampler):
    return _reading(rng, sampler, squad.draw_unanswerable)


def _continuation(rng, sampler):
    item = hellaswag.draw_continuation(rng, sampler)
    return [*item.story, *item.endings]


def _adversarial(rng, sampler):
    item = anli.draw_adversarial(rng, sampler, 4)
    return [*item.events, item.hypothesis]


def _story(rng, sampler):
    item = cosmos_qa.draw_story(rng, sampler)
    return _meanings(item.context) + list(item.answers)


def _retrieval(rng, sampler):
    return _meanings(itertools.islice(retrieval.draw_lines(rng, sampler), 5))


def _corpus(rng, sampler):
    return _meanings(document(rng, sampler))


def _home(event):
    person = WORLD.persons.get(event.agent)
    return person.home if person else WORLD.seat_of[event.agent]


DRAWS = [
    *(_inference, _sentences, _reading, _unanswerable),
    *(_continuation, _retrieval, _corpus),
    *(_questions, _adversarial, _story),
]


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("split", SPLITS)
def test_every_event_is_its_splits_own(draw, split):
    rng, sampler = random.Random(5), Sampler(WORLD, split)
    events = [m for _ in range(150) for m in draw(rng, sampler) if isinstance(m, Event)]
    assert len(events) > 150
    assert {split_of(13, event.agent, event.patient) for event in events} == {split}


def test_a_pair_belongs_to_one_split_in_either_role():
    one, other = list(WORLD.persons)[:2]
    assert split_of(13, one, other) == split_of(13, other, one)
    pairs = itertools.product(list(WORLD.persons)[:60], ("apple", "horse", "book", "desk"))
    splits = [split_of(13, *pair) for pair in pairs]
    assert {split: splits.count(split) / len(splits) for split in SPLITS} == pytest.approx(
        {"train": 0.6, "validation": 0.2, "test": 0.2}, abs=0.08
    )


def test_splits_are_alike():
    """Negation, modifiers, categories and persons as patients are as frequent in all splits."""
    rates = []
    for split in SPLITS:
        rng, sampler = random.Random(3), Sampler(WORLD, split)
        events = [sampler.event(rng, negated=0.2) for _ in range(3000)]
        rates.append(
            [
                sum(map(holds, events)) / len(events)
                for holds in (
                    lambda e: e.negated,
                    lambda e: e.patient in WORLD.persons,
                    lambda e: e.agent in WORLD.seat_of,
                    lambda e: e.adjective is not None,
                    lambda e: e.number > 1,
                    lambda e: e.place == _home(e),
                )
            ]
        )
    for rate in rates[1:]:
        assert rate == pytest.approx(rates[0], abs=0.04)


def test_no_tested_sentence_is_trained_on():
    source = TestbedSource()
    xnli = source.load("google/xtreme", "XNLI", "test", 8 * 200)
    tested = {row["sentence2"] for row in xnli if row["language"] == "en"}
    trained = source.load("nyu-mll/glue", "mnli", "train", 2000)
    assert not tested & {row["hypothesis"] for row in trained}


def test_no_fact_is_asked_for_in_two_splits():
    """Whichever way round it is asked; and no question with its choices is in two splits."""
    train, validation = (commonsense_qa.facts_of(WORLD, split) for split in ("train", "validation"))
    for kind, facts in train.of_kind.items():
        held_out = validation.of_kind[kind]
        assert held_out and not set(facts) & set(held_out)
        assert len(held_out) / (len(facts) + len(held_out)) == pytest.approx(0.2, abs=0.06)
    assert not set(train.uses) & set(validation.uses)
    assert not set(train.worked_on) & set(validation.worked_on)
    source = TestbedSource()
    asked = [
        {
            (row["question"], *sorted(row["choices"]["text"]))
            for row in source.load("tau/commonsense_qa", "default", split)
        }
        for split in ("train", "validation")
    ]
    assert not asked[0] & asked[1]
