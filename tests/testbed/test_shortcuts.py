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


def test_inference_needs_the_premise(source):
    rows = source.load("nyu-mll/glue", "mnli", "train", 6000)
    labels = [row["label"] for row in rows]
    assert max(Counter(labels).values()) / len(labels) < 0.36
    assert _naive_bayes([_bigrams(row["hypothesis"]) for row in rows], labels, 4500) < 0.42
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


def test_endings_need_the_story(source):
    """An ending's own words make it right or wrong hardly better than by chance."""
    rows = source.load("Rowan/hellaswag", "default", "train", 6000)
    counts = defaultdict(lambda: [1, 1])
    for row in rows[:4500]:
        for i, ending in enumerate(row["endings"]):
            for word in _bigrams(ending):
                counts[word][str(i) == row["label"]] += 1

    def odds(ending):
        return sum(math.log(counts[w][1] / counts[w][0]) for w in _bigrams(ending))

    hits = sum(
        max(row["endings"], key=odds) == row["endings"][int(row["label"])] for row in rows[4500:]
    )
    assert hits / 1500 < 0.45
