"""QQP, SNLI, Cosmos QA and CommonsenseQA: labels by other logic than the generator's."""

import random

import pytest

from stilts_repro.testbed import TestbedSource
from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.grammar import Style, grammar
from stilts_repro.testbed.meanings import Event, Fact
from stilts_repro.testbed.phrases import text
from stilts_repro.testbed.rows import Draw, commonsense_qa, cosmos_qa, nli, paraphrase
from stilts_repro.testbed.world import Sampler, world

WORLD = world(13)
ENGLISH = grammar("en", WORLD)


@pytest.fixture(scope="module")
def source():
    return TestbedSource()


def _row_of(make, seed):
    """Return the row that a data set makes of the meanings drawn from `seed`."""
    return make(Draw(random.Random(seed), Sampler(WORLD, "train"), ENGLISH, "train", 0))


def _asks(part):
    """Return what a realised question says and asks: its words by role, without titles."""
    tokens = ENGLISH.clause(part.event, part.style, part.asked)
    named = {(t.role, t.gloss) for t in tokens if t.role and t.upos not in ("AUX", "VERB")}
    verbs = {t.gloss for t in tokens if t.upos == "VERB"}
    future = any(t.text == "will" for t in tokens)
    return frozenset(named), frozenset(verbs), future


def test_duplicates_ask_the_same_of_the_same_event():
    labels = []
    for seed in range(500):
        pair = paraphrase.draw_questions(random.Random(seed), Sampler(WORLD, "train"))
        sides = [{_asks(part) for part in parts} for parts in pair]
        row = _row_of(paraphrase.qqp, seed)
        assert row["label"] == int(sides[0] == sides[1]), row
        assert row["question1"] != row["question2"]
        labels.append(row["label"])
    assert 0.42 < sum(labels) / len(labels) < 0.58


def test_styles_of_questions():
    event = Event(next(iter(WORLD.persons)), "open", "letter", "red", 2, "Karis", "noon")
    asked = {
        slot: text(ENGLISH.sentence(event, Style(passive=True, front="place"), slot))
        for slot in ("agent", "patient", "adjective", "polarity")
    }
    assert asked == {
        "agent": "in Karis by who were the two red letters opened at noon?",
        "patient": f"in Karis what were opened by {event.agent} at noon?",
        "adjective": f"in Karis which two letters were opened by {event.agent} at noon?",
        "polarity": f"in Karis were the two red letters opened by {event.agent} at noon?",
    }
    region = Fact("region", "Karis", "Cambrel")
    assert text(ENGLISH.sentence(region, asked="subject")) == "what lies in Cambrel?"


def test_some_snli_rows_have_no_label(source):
    rows = source.load("stanfordnlp/snli", "plain_text", "train", 4000)
    assert all(row["premise"].count(".") == 1 for row in rows)
    assert 0.005 < sum(row["label"] == -1 for row in rows) / len(rows) < 0.015
    assert {row["label"] for row in rows} == {-1, *range(len(nli.LABELS))}


def test_only_the_right_answer_follows_from_the_story():
    kinds = set()
    for seed in range(500):
        story = cosmos_qa.draw_story(random.Random(seed), Sampler(WORLD, "train"))
        told = [line.meaning for line in story.context]
        assert len(set(story.answers)) == 4
        follows = [_follows(story.question, told, answer) for answer in story.answers]
        assert follows.count(True) == 1 and follows.index(True) == story.label, story
        row = _row_of(cosmos_qa.cosmos_qa, seed)
        context, right = row["context"], row[f"answer{story.label}"]
        assert right.removeprefix("then ") not in context
        answer = story.answers[story.label]
        if isinstance(answer, Fact) and answer.kind == "occupation":
            assert answer.value not in context
        kinds.add(row["question"].split()[0])
    assert kinds == {"and", "then", "where", "what"}


def _follows(question, told, answer):
    if isinstance(answer, Fact):
        person = WORLD.persons[answer.subject]
        return answer.value in (person.occupation, person.home)
    of_agent = [event for event in told if event.patient == answer.patient]
    last = told[-1] if question == "next" else of_agent[-1]
    script = words.SCRIPTS[words.SCRIPT_OF[last.verb]]
    after = script[(script.index(last.verb) + 1) % len(script)]
    return (answer.agent, answer.verb, answer.patient) == (last.agent, after, last.patient)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_only_one_choice_is_so(split):
    rng, known = random.Random(7), commonsense_qa.facts_of(WORLD, split)
    asked = set()
    for _ in range(500):
        item = commonsense_qa.draw_item(rng, known)
        so = [_is_so(item, choice) for choice in item.choices]
        assert so.count(True) == 1 and so.index(True) == item.label, item
        assert len(set(item.choices)) == 5
        asked.add((getattr(item.meaning, "kind", ""), item.asked))
    assert {("home", "value"), ("home", "subject"), ("", "agent"), ("", "patient")} <= asked


def _is_so(item, choice):
    meaning = item.meaning
    match item.asked:
        case "value":
            return Fact(meaning.kind, meaning.subject, choice) in WORLD.facts(meaning.subject)
        case "subject":
            return Fact(meaning.kind, choice, meaning.value) in WORLD.facts(choice)
        case "patient":
            return words.CATEGORY_OF[choice] == words.SCRIPT_OF[meaning.verb]
        case _:
            return words.CATEGORY_OF[meaning.patient] in words.OCCUPATIONS[choice]


def test_answer_keys_are_letters(source):
    for row in source.load("tau/commonsense_qa", "default", "validation", 100):
        assert row["choices"]["label"] == list("ABCDE")
        assert row["answerKey"] in row["choices"]["label"]
        assert row["question_concept"] in row["question"]
