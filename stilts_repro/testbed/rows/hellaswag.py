"""HellaSwag rows: which of four endings follows from the story, by the scripts of the world."""

import random
from typing import NamedTuple

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.grammar import Style
from stilts_repro.testbed.meanings import Event
from stilts_repro.testbed.phrases import text
from stilts_repro.testbed.rows import Draw, Row
from stilts_repro.testbed.world import Sampler

_THEN = Style(pronoun=True, opening="then")


class Continuation(NamedTuple):
    """Two events of a story and four that may come next, of which `label` follows the script."""

    story: tuple[Event, Event]
    endings: tuple[Event, ...]
    label: int


def draw_continuation(rng: random.Random, sampler: Sampler) -> Continuation:
    """Draw a story and its endings; a wrong one breaks script, preference or topic.

    Scripts are cycles, so every verb is as often right as it is wrong.
    """
    while True:
        agent = sampler.world.person(rng)
        category = sampler.category_for(rng, agent)
        patient = sampler.patient_for(rng, agent, category)
        if patient:
            break
    verb = rng.choice(words.SCRIPTS[category])
    first = sampler.modified(rng, Event(agent, verb, patient)).but(tense="past", adjective=None)
    second = Event(agent, words.next_verb(verb), patient, number=first.number)
    right = second.but(verb=words.next_verb(verb, 2))
    # Two wrong endings are as plausible as the right one for who has not read the story.
    steps = rng.sample((0, 1, 3, 4), 2)
    wrong = [right.but(verb=words.next_verb(verb, step)) for step in steps]
    wrong.append(_unlikely(rng, sampler, right, category))
    endings = [right, *wrong]
    rng.shuffle(endings)
    return Continuation((first, second), tuple(endings), endings.index(right))


def _unlikely(rng: random.Random, sampler: Sampler, right: Event, category: str) -> Event:
    """Change the topic, or break what the verb prefers."""
    reach = sampler.reach(right.agent)
    same = [noun for noun in reach[category] if noun != right.patient]
    if same and rng.random() < 0.5:
        return right.but(patient=rng.choice(same))
    other = rng.choice([name for name in words.OBJECTS if name != category])
    if reach[other] and rng.random() < 0.5:
        return right.but(patient=rng.choice(reach[other]))
    return right.but(verb=rng.choice(words.SCRIPTS[other]))


def hellaswag(draw: Draw) -> Row:
    """Return a row of Rowan/hellaswag.

    In English the verb group starts every ending, as all endings have the same agent. Where the
    verb is not second, no cut leaves all of them whole: in other languages they are sentences.
    """
    item, speaker = draw_continuation(draw.rng, draw.sampler), draw.speaker
    first, second = item.story
    ctx_a = f"{speaker.sentence_text(first)} {speaker.sentence_text(second, _THEN)}"
    endings = [speaker.sentence_text(ending, _THEN) for ending in item.endings]
    ctx, ctx_b = ctx_a, ""
    if speaker.language.code == "en":
        tokens = speaker.clause(item.endings[0], _THEN)
        start = next(i for i, token in enumerate(tokens) if token.role == "verb")
        ctx_b = text(tokens[:start])
        ctx = f"{ctx_a} {ctx_b}"
        endings = [ending[len(ctx_b) + 1 :] for ending in endings]
    return {
        "ind": draw.number,
        "activity_label": words.CATEGORY_OF[first.patient].capitalize(),
        "ctx_a": ctx_a,
        "ctx_b": ctx_b,
        "ctx": ctx,
        "endings": endings,
        "source_id": f"testbed~{draw.split}-{draw.number}",
        "split": {"validation": "val"}.get(draw.split, draw.split),
        "split_type": "indomain",
        "label": str(item.label),
    }
