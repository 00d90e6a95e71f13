"""HellaSwag rows: which of four endings follows from the scripts of the world."""

import random
from typing import NamedTuple

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.grammar import Grammar, Style
from stilts_repro.testbed.meanings import Event
from stilts_repro.testbed.tokens import text
from stilts_repro.testbed.world import Sampler

_THEN = Style(pronoun=True, then=True)


class Continuation(NamedTuple):
    """Two events of a story and four that may come next, of which `label` follows the script."""

    story: tuple[Event, Event]
    endings: tuple[Event, ...]
    label: int


def next_verb(verb: str, steps: int = 1) -> str:
    """Return the verb that follows `verb` in its script after `steps`."""
    script = words.SCRIPTS[words.SCRIPT_OF[verb]]
    return script[(script.index(verb) + steps) % len(script)]


def draw(rng: random.Random, sampler: Sampler) -> Continuation:
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
    plain = Event(agent, next_verb(verb), patient, number=first.number)
    right = plain.but(verb=next_verb(verb, 2))
    # Two wrong endings are as plausible as the right one for who has not read the story.
    steps = rng.sample((0, 1, 3, 4), 2)
    wrong = [right.but(verb=next_verb(verb, step)) for step in steps]
    wrong.append(_unlikely(rng, sampler, right, category))
    endings = [right, *wrong]
    rng.shuffle(endings)
    return Continuation((first, plain), tuple(endings), endings.index(right))


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


def row(item: Continuation, speaker: Grammar, index: int, split: str) -> dict[str, object]:
    """Return a row of Rowan/hellaswag (English: the verb group starts every ending)."""
    first, second = item.story
    ctx_a = f"{speaker.sentence_text(first)} {speaker.sentence_text(second, _THEN)}"
    tokens = speaker.clause(item.endings[0], _THEN)
    start = next(i for i, token in enumerate(tokens) if token.role == "verb")
    ctx_b = text(tokens[:start])
    # All endings have the same agent, so they begin alike.
    endings = [speaker.sentence_text(ending, _THEN)[len(ctx_b) + 1 :] for ending in item.endings]
    return {
        "ind": index,
        "activity_label": words.CATEGORY_OF[first.patient].capitalize(),
        "ctx_a": ctx_a,
        "ctx_b": ctx_b,
        "ctx": f"{ctx_a} {ctx_b}",
        "endings": endings,
        "source_id": f"testbed~{split}-{index}",
        "split": {"validation": "val"}.get(split, split),
        "split_type": "indomain",
        "label": str(item.label),
    }
