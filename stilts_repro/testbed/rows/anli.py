"""ANLI rows: MNLI's hypotheses after longer premises that were made to mislead.

A premise tells the event that the hypothesis is about among decoys, which repeat the hypothesis's
words: someone else does just that, or the same agent does something else. The hypothesis may name
its agent by an occupation that only another sentence of the premise tells. Later rounds tell more.
"""

import random

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.corpus import random_style
from stilts_repro.testbed.grammar import Line
from stilts_repro.testbed.inference import LABELS, changeable, judge, opposite
from stilts_repro.testbed.meanings import Event, Fact
from stilts_repro.testbed.rows import Draw, Row
from stilts_repro.testbed.rows.nli import Inference, draw_pair
from stilts_repro.testbed.rows.squad import with_pronouns
from stilts_repro.testbed.world import Sampler, World

SENTENCES = {"r1": 3, "r2": 4, "r3": 5}
_DESCRIBED = 0.3


def draw_adversarial(rng: random.Random, sampler: Sampler, sentences: int) -> Inference:
    """Draw a premise of `sentences` and a hypothesis that only one of its events bears upon."""
    main, hypothesis, label = draw_pair(rng, sampler)
    events = [main]
    # Just what the hypothesis says, or an opposite of what the premise says, by someone else.
    wrong = hypothesis
    if label == "entailment":
        wrong = opposite(rng, main, rng.choice(changeable(main)))
    events.append(_elsewhere(rng, sampler, main, wrong, hypothesis))
    facts, described = _facts(rng, sampler.world, hypothesis, events)
    if not facts and sentences > SENTENCES["r1"]:
        facts = [rng.choice(sampler.world.facts(main.agent))]
    while len(events) + len(facts) < sentences:
        decoy = _decoy(rng, sampler, main, hypothesis)
        if decoy and not (described and _shares_occupation(sampler.world, hypothesis, decoy)):
            events.append(decoy)
    lines = [Line(event, random_style(rng, event)) for event in events]
    lines += [Line(fact) for fact in facts]
    rng.shuffle(lines)
    premise = with_pronouns(rng, sampler.world, lines)
    style = random_style(rng, hypothesis, titles=False)
    return Inference(premise, hypothesis, style, label, described)


def _elsewhere(
    rng: random.Random, sampler: Sampler, main: Event, wrong: Event, hypothesis: Event
) -> Event:
    """Return `wrong` done, or not done, by someone whom the hypothesis is not about."""
    agent = sampler.agent_for(rng, wrong.patient, but=(main.agent, hypothesis.agent))
    return wrong.but(agent=agent, generic=False, negated=rng.random() < 0.3)


def _decoy(rng: random.Random, sampler: Sampler, main: Event, hypothesis: Event) -> Event | None:
    """Draw another event of the same agent (mostly), or of someone else, with shared words.

    None where what was drawn would bear upon the hypothesis.
    """
    agent = main.agent if rng.random() < 0.6 else sampler.world.agent(rng)
    event = sampler.event(rng, agent, negated=0.2)
    for slot in ("place", "time", "adjective", "tense"):
        source = rng.choice((main, hypothesis))
        value = getattr(source, slot)
        social = event.patient in sampler.world.persons
        if value and rng.random() < 0.4 and not (slot == "adjective" and social):
            event = event.but(**{slot: value})
    return None if _bears(event, hypothesis) else event


def _bears(event: Event, hypothesis: Event) -> bool:
    """Say whether an event may be the one that the hypothesis is about, however it differs."""
    if judge(event, hypothesis) != "neutral":
        return True
    same_verb = event.verb in (hypothesis.verb, words.ANTONYM.get(hypothesis.verb))
    same_patient = event.patient == hypothesis.patient or (
        hypothesis.generic
        and words.CATEGORY_OF.get(event.patient) == words.CATEGORY_OF[hypothesis.patient]
    )
    return event.agent == hypothesis.agent and same_verb and same_patient


def _shares_occupation(world: World, hypothesis: Event, event: Event) -> bool:
    """Say whether `event` has someone else with the occupation of the hypothesis's agent."""
    occupation = world.persons[hypothesis.agent].occupation
    named = {event.agent, event.patient} - {hypothesis.agent}
    return any(
        name in world.persons and world.persons[name].occupation == occupation for name in named
    )


def _facts(
    rng: random.Random, world: World, hypothesis: Event, events: list[Event]
) -> tuple[list[Fact], bool]:
    """Return a fact to tell, if any, and whether the hypothesis shall make use of it."""
    if rng.random() > _DESCRIBED:
        return [], False
    person = world.persons.get(hypothesis.agent)
    named = [*events, hypothesis]
    if not person or any(_shares_occupation(world, hypothesis, event) for event in named):
        return [], False
    return [Fact("occupation", hypothesis.agent, person.occupation)], True


def anli(draw: Draw) -> Row:
    """Return a row of facebook/anli; annotators' reasons are left empty."""
    sentences = SENTENCES[draw.subset.partition("_")[2]]
    item = draw_adversarial(draw.rng, draw.sampler, sentences)
    premise, hypothesis = item.texts(draw.speaker)
    return {
        "uid": f"anli-{draw.subset}-{draw.number}",
        "premise": premise,
        "hypothesis": hypothesis,
        "label": LABELS.index(item.label),
        "reason": "",
    }
