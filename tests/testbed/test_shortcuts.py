"""Labels cannot be guessed from the surface: bags of words, lengths, positions."""

import itertools
import math
from collections import Counter, defaultdict

import pytest

from stilts_repro.testbed import TestbedSource


@pytest.fixture(scope="module")
def source():
    return TestbedSource()


def _naive_bayes(bags, labels, train):
    """Return the accuracy on rows after `train` of add-half naive Bayes fitted on those before."""
    classes = sorted(set(labels))
    prior = Counter(labels[:train])
    counts = defaultdict(Counter)
    for bag, label in zip(bags[:train], labels[:train], strict=True):
        counts[label].update(set(bag))

    def score(bag, label):
        likelihood = (math.log((counts[label][w] + 0.5) / (prior[label] + 1)) for w in set(bag))
        return math.log(prior[label]) + sum(likelihood)

    tested = list(zip(bags[train:], labels[train:], strict=True))
    hits = sum(max(classes, key=lambda c: score(bag, c)) == label for bag, label in tested)
    return hits / len(tested)


def _bigrams(text):
    bag = text.split()
    return [*bag, *(f"{a} {b}" for a, b in itertools.pairwise(bag)), f"{len(bag)} words"]


def test_inference_has_the_cues_of_the_real_set_and_needs_the_premise(source):
    """MNLI's hypotheses alone tell 53 % of its labels (Gururangan et al. 2018); ours tell fewer."""
    rows = source.load("nyu-mll/glue", "mnli", "train", 6000)
    labels = [row["label"] for row in rows]
    assert max(Counter(labels).values()) / len(labels) < 0.36
    assert 0.38 < _naive_bayes([_bigrams(row["hypothesis"]) for row in rows], labels, 4500) < 0.53
    assert _naive_bayes([_bigrams(row["premise"]) for row in rows], labels, 4500) < 0.38


def test_paraphrase_needs_both_sentences_in_order(source):
    rows = source.load("google/xtreme", "PAWS-X.en", "train")
    labels = [row["label"] for row in rows]
    assert _naive_bayes([_bigrams(row["sentence2"]) for row in rows], labels, 3000) < 0.56
    shared = [
        [f"{len(set(row['sentence1'].split()) ^ set(row['sentence2'].split()))} differ"]
        for row in rows
    ]
    assert _naive_bayes(shared, labels, 3000) < 0.58


def test_duplicates_need_both_questions(source):
    """Shared words tell as much as in the real set, and no question alone tells anything."""
    rows = source.load("nyu-mll/glue", "qqp", "train", 8000)
    labels = [row["label"] for row in rows]
    for column in ("question1", "question2"):
        assert _naive_bayes([_bigrams(row[column]) for row in rows], labels, 6000) < 0.56
    told = [_naive_bayes(bags, labels, 6000) for bags in _overlaps(rows, "question1", "question2")]
    assert 0.65 < max(told) < 0.82


def _overlaps(rows, first, second):
    """Yield, for several measures of how alike two texts are, one bag a row."""
    pairs = [(row[first].split(), row[second].split()) for row in rows]
    yield [[len(set(one) ^ set(other))] for one, other in pairs]
    yield [[len(set(other) - set(one))] for one, other in pairs]
    yield [
        [round(len(set(one) & set(other)) / len(set(one) | set(other)), 1)] for one, other in pairs
    ]
    yield [[len(other) - len(one)] for one, other in pairs]
    yield [list(set(one) ^ set(other)) for one, other in pairs]


@pytest.mark.parametrize("split", ["train_r1", "train_r2", "train_r3"])
def test_adversarial_inference_needs_the_premise_and_more_than_its_words(source, split):
    rows = source.load("facebook/anli", "plain_text", split)
    labels = [row["label"] for row in rows]
    train = len(rows) * 3 // 4
    assert max(Counter(labels).values()) / len(labels) < 0.37
    for column in ("premise", "hypothesis"):
        assert _naive_bayes([_bigrams(row[column]) for row in rows], labels, train) < 0.42
    for bags in _overlaps(rows, "premise", "hypothesis"):
        assert _naive_bayes(bags, labels, train) < 0.47


def test_short_inference_needs_the_premise(source):
    rows = source.load("stanfordnlp/snli", "plain_text", "train", 6000)
    rows = [row for row in rows if row["label"] >= 0]
    labels = [row["label"] for row in rows]
    assert _naive_bayes([_bigrams(row["premise"]) for row in rows], labels, 4500) < 0.38
    assert _naive_bayes([_bigrams(row["hypothesis"]) for row in rows], labels, 4500) < 0.53


def test_answerability_needs_the_context(source):
    rows = source.load("rajpurkar/squad_v2", "squad_v2", "train", 4000)
    labels = [not row["answers"]["text"] for row in rows]
    majority = 1 - sum(labels[3000:]) / 1000
    assert _naive_bayes([_bigrams(row["question"]) for row in rows], labels, 3000) < majority + 0.03


def test_endings_are_alike_in_length_and_position(source):
    rows = source.load("Rowan/hellaswag", "default", "train", 4000)
    positions = Counter(row["label"] for row in rows)
    assert all(0.22 < positions[label] / len(rows) < 0.28 for label in "0123")
    for pick in (min, max):
        picked = [row["endings"].index(pick(row["endings"], key=len)) for row in rows]
        hits = sum(str(p) == row["label"] for p, row in zip(picked, rows, strict=True))
        assert 0.15 < hits / len(rows) < 0.32


def _choices_only(items, train):
    """Return the accuracy of the likeliest choice by its own words, after `train` items.

    An item is its choices and the index of the right one.
    """
    counts = defaultdict(lambda: [1, 1])
    for choices, label in items[:train]:
        for i, choice in enumerate(choices):
            for word in _bigrams(choice):
                counts[word][i == label] += 1

    def odds(choice):
        return sum(math.log(counts[w][1] / counts[w][0]) for w in _bigrams(choice))

    hits = sum(max(choices, key=odds) == choices[label] for choices, label in items[train:])
    return hits / len(items[train:])


def test_endings_need_the_story(source):
    """An ending's own words make it right or wrong hardly better than by chance."""
    rows = source.load("Rowan/hellaswag", "default", "train", 6000)
    assert _choices_only([(row["endings"], int(row["label"])) for row in rows], 4500) < 0.45


def _cosmos(source, limit):
    rows = source.load("allenai/cosmos_qa", "default", "train", limit)
    return [([row[f"answer{i}"] for i in range(4)], row["label"], row) for row in rows]


def _csqa(source, split, limit):
    rows = source.load("tau/commonsense_qa", "default", split, limit)
    return [(row["choices"]["text"], "ABCDE".index(row["answerKey"])) for row in rows]


def test_answers_need_the_story(source):
    drawn = _cosmos(source, 8000)
    assert _choices_only([item[:2] for item in drawn], 6000) < 0.3
    # Nor is it the answer that repeats most of the story.
    hits = sum(
        max(choices, key=lambda c: len(set(c.split()) & set(row["context"].split())))
        == choices[label]
        for choices, label, row in drawn
    )
    assert hits / len(drawn) < 0.35


def test_choices_need_the_question(source):
    drawn = _csqa(source, "train", 8000)
    assert _choices_only(drawn, 6000) < 0.26
    tested = _csqa(source, "validation", 500)
    assert 0.13 < _choices_only([*drawn, *tested], len(drawn)) < 0.27


@pytest.mark.parametrize("pick", [min, max])
def test_choices_are_alike_in_length_and_position(source, pick):
    for drawn, number in ((_cosmos(source, 4000), 4), (_csqa(source, "train", 4000), 5)):
        positions = Counter(item[1] for item in drawn)
        assert all(abs(positions[i] / len(drawn) - 1 / number) < 0.03 for i in range(number))
        hits = sum(pick(item[0], key=len) == item[0][item[1]] for item in drawn)
        assert abs(hits / len(drawn) - 1 / number) < 0.06
