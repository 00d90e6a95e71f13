r"""Supertags are right if they combine: a small parser of combinatory categorial grammar.

Categories are read into atoms `(name, feature)` and functions `(result, slash, argument)`. `S`
without a feature, in modifiers, stands for any one S; NP[nb] is an NP; a bare N may be an NP.
"""

import itertools
import random
from collections import Counter, defaultdict

import pytest

from stilts_repro.testbed import TestbedSource
from stilts_repro.testbed.grammar import Style, grammar
from stilts_repro.testbed.meanings import SPLITS, Event, Fact, split_of
from stilts_repro.testbed.rows.ccgbank import draw_sentence, supertags
from stilts_repro.testbed.world import Sampler, world

WORLD = world(13)
ENGLISH = grammar("en", WORLD)
PERSON, OTHER = list(WORLD.persons)[:2]
EVENT = Event(PERSON, "open", "letter", "red", 2, "Port Rugen", "noon")
REPOSITORY = ("ldc/ccgbank", "default")


def _read(category):
    """Read a category; its main slash is the last one outside of brackets."""
    depth = 0
    for index in range(len(category) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(category[index], 0)
        if depth == 0 and category[index] in "/\\":
            return _read(category[:index]), category[index], _read(category[index + 1 :])
    if category.startswith("("):
        return _read(category[1:-1])
    name, _, feature = category.partition("[")
    return name, feature.rstrip("]").replace("nb", "")


def _match(wanted, found, bound):
    """Say whether two categories are one; binds the feature of a featureless S in either."""
    if len(wanted) != len(found):
        return False
    if len(wanted) == 3:
        return (
            wanted[1] == found[1]
            and _match(wanted[0], found[0], bound)
            and _match(wanted[2], found[2], bound)
        )
    if wanted[0] != found[0]:
        return False
    if wanted[0] == "S" and not (wanted[1] and found[1]):
        known = wanted[1] or found[1]
        return not known or bound.setdefault("S", known) == known
    return wanted[1] == found[1]


def _bind(category, bound):
    if len(category) == 3:
        return _bind(category[0], bound), category[1], _bind(category[2], bound)
    return ("S", bound.get("S", "")) if category == ("S", "") else category


def _combine(left, right):
    """Yield what two neighbours make by application and composition."""
    if len(left) == 3 and left[1] == "/":
        if _match(left[2], right, bound := {}):
            yield _bind(left[0], bound)
        if len(right) == 3 and right[1] == "/" and _match(left[2], right[0], bound := {}):
            yield _bind(left[0], bound), "/", _bind(right[2], bound)  # forward composition
    if len(right) == 3 and right[1] == "\\":
        if _match(right[2], left, bound := {}):
            yield _bind(right[0], bound)
        if len(left) == 3 and left[1] == "/" and _match(right[2], left[0], bound := {}):
            yield _bind(right[0], bound), "/", _bind(left[2], bound)  # backward crossed


def _parse(categories):
    """Return every category of the whole sentence."""
    size = len(categories)
    chart = defaultdict(set)

    def add(start, end, category):
        chart[start, end].add(category)
        if category == ("N", ""):
            chart[start, end].add(("NP", ""))

    for start, category in enumerate(categories):
        add(start, start + 1, _read(category))
    for length in range(2, size + 1):
        for start in range(size - length + 1):
            end = start + length
            for middle in range(start + 1, end):
                pairs = itertools.product(chart[start, middle], chart[middle, end])
                for left, right in pairs:
                    for category in _combine(left, right):
                        add(start, end, category)
                    # Two of a kind joined by a conjunction are one of them.
                    joined = isinstance(left, tuple) and left == ("conj", "")
                    if joined and right[0] == "S":
                        add(start, end, (right, "\\", right))
    return chart[0, size]


def _reduces(tokens, tags):
    """Say whether all but the final mark make a sentence of the kind that the mark tells."""
    kinds = {("S", "dcl")} if tokens[-1] == "." else {("S", "wq"), ("S", "q")}
    return tags[-1] == "." and bool(kinds & _parse(tags[:-1]))


@pytest.mark.parametrize(
    ("event", "style"),
    [
        (EVENT, Style()),
        (EVENT, Style(front="time", title=True)),
        (EVENT, Style(home=True)),
        (EVENT, Style(passive=True, front="place")),
        (EVENT.but(negated=True), Style(home=True, front="place")),
        (EVENT.but(negated=True, tense="future"), Style(passive=True)),
        (EVENT, Style(pronoun=True, opening="then")),
    ],
)
def test_declaratives_reduce_to_a_sentence(event, style):
    sentence = ENGLISH.sentence(event, style)
    assert _reduces([token.text for token in sentence], supertags(sentence))


@pytest.mark.parametrize("tense", ["past", "future"])
@pytest.mark.parametrize("passive", [False, True])
@pytest.mark.parametrize("asked", ["agent", "patient", "adjective", "place", "time", "polarity"])
def test_questions_reduce_to_a_sentence(asked, passive, tense):
    front = "time" if asked == "place" else "place"
    for event, style in itertools.product(
        (EVENT.but(tense=tense), Event(PERSON, "greet", OTHER, place="Karis", time="dusk")),
        (Style(passive=passive), Style(passive=passive, front=front)),
    ):
        if asked == "adjective" and event.adjective is None:
            continue
        sentence = ENGLISH.sentence(event, style, asked)
        assert _reduces([token.text for token in sentence], supertags(sentence))


def test_every_row_reduces_to_a_sentence():
    source = TestbedSource()
    for split in SPLITS:
        for row in source.load(*REPOSITORY, split, 150):
            assert len(row["tokens"]) == len(row["supertags"])
            assert _reduces(row["tokens"], row["supertags"]), row


def test_wrong_tags_do_not_combine():
    sentence = ENGLISH.sentence(EVENT)
    words, tags = [token.text for token in sentence], supertags(sentence)
    verb = words.index("opened")
    assert tags[verb] == r"(S[dcl]\NP)/NP"
    for wrong in (r"S[pss]\NP", r"(S[b]\NP)/NP", r"(S[dcl]\NP)/PP"):
        assert not _reduces(words, [*tags[:verb], wrong, *tags[verb + 1 :]])
    place = words.index("in")
    for wrong in ("PP/NP", "(S/S)/NP"):
        assert not _reduces(words, [*tags[:place], wrong, *tags[place + 1 :]])


def test_one_word_has_many_categories():
    """Supertagging is no matter of a dictionary."""
    counts = defaultdict(Counter)
    for row in TestbedSource().load(*REPOSITORY, "train", 4000):
        for word, tag in zip(row["tokens"], row["supertags"], strict=True):
            counts[word][tag] += 1
    assert set(counts["in"]) == {
        r"((S\NP)\(S\NP))/NP",
        r"(NP\NP)/NP",
        "(S/S)/NP",
        "PP/NP",
    }
    assert {r"(S[dcl]\NP)/NP", r"S[pss]\NP"} == set(counts["opened"])
    assert len(counts["who"]) >= 3 and len(counts["was"]) == 2 and len(counts["did"]) == 2
    assert 25 <= len(set().union(*counts.values())) <= 60
    ambiguous = sum(sum(c.values()) - max(c.values()) for c in counts.values())
    assert ambiguous / sum(sum(c.values()) for c in counts.values()) > 0.1


@pytest.mark.parametrize("split", SPLITS)
def test_every_event_is_its_splits_own(split):
    """Agents and objects are read off the words that name them."""
    rng, sampler = random.Random(5), Sampler(WORLD, split)
    met = set()
    for _ in range(300):
        clauses = [[]]
        for token in draw_sentence(rng, sampler, ENGLISH):
            clauses.append([]) if token.gloss == "and" else clauses[-1].append(token)
        for clause in clauses:
            agent, patient = (
                " ".join(t.gloss for t in clause if t.role == role and t.upos in upos)
                for role, upos in (("agent", "PROPN"), ("patient", ("NOUN", "PROPN")))
            )
            if agent and patient:
                met.add(split_of(13, agent, patient))
    assert met == {split}


def test_facts_are_tagged_by_what_their_verb_takes():
    sentence = ENGLISH.sentence(Fact("home", PERSON, "Karis"))
    tags = dict(zip((token.text for token in sentence), supertags(sentence), strict=True))
    assert (tags["lives"], tags["in"]) == (r"(S[dcl]\NP)/PP", "PP/NP")
    sentence = ENGLISH.sentence(Fact("home", PERSON, "Karis"), asked="value")
    assert supertags(sentence)[0] == "S[wq]/(S[q]/PP)"
