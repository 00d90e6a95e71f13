import warnings

import pytest
import seqeval.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_repro.metrics.labels import span_f1

BIO = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "E-PER", "S-LOC", "B-O", "I-O"]
# fmt: off
UPOS = [
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN",
    "PUNCT", "SCONJ", "SYM", "VERB", "X",
]
# fmt: on


def pairs(tags):
    sentence = st.lists(st.tuples(*[st.sampled_from(tags)] * 2), min_size=1, max_size=12)
    return st.lists(sentence, min_size=1, max_size=4)


def sides(sentences):
    return tuple([[pair[side] for pair in words] for words in sentences] for side in (0, 1))


def seqeval_scores(gold, predicted):
    """Score with the installed seqeval 1.2.2.

    It takes the first letter off a tag's type and 0.0.12, which XTREME and jiant pin, does not;
    writing NOUN as N-NOUN makes the new version read what the old one reads.
    """

    def old_reading(sentences):
        return [[t if "-" in t or t == "O" else f"{t[0]}-{t}" for t in s] for s in sentences]

    gold, predicted = old_reading(gold), old_reading(predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = ("f1_score", "precision_score", "recall_score", "accuracy_score")
        return [100 * getattr(seqeval.metrics, name)(gold, predicted) for name in names]


def assert_equal_to_seqeval(sentences):
    gold, predicted = sides(sentences)
    ours = span_f1(gold, predicted)
    assert [ours.f1, ours.precision, ours.recall, ours.accuracy] == pytest.approx(
        seqeval_scores(gold, predicted), abs=1e-9
    )


@settings(max_examples=150, deadline=None)
@given(pairs(BIO))
def test_entity_tags_score_as_seqeval(sentences):
    assert_equal_to_seqeval(sentences)


@settings(max_examples=150, deadline=None)
@given(pairs([*UPOS, "O", "."]))
def test_part_of_speech_tags_score_as_seqeval(sentences):
    assert_equal_to_seqeval(sentences)


def test_equal_neighbours_are_one_part_of_speech_span():
    scores = span_f1([["NOUN", "NOUN", "VERB"]], [["NOUN", "ADJ", "VERB"]])
    assert scores.accuracy == pytest.approx(200 / 3)
    assert (scores.precision, scores.recall, scores.f1) == pytest.approx((100 / 3, 50, 40))


def test_coordinating_and_subordinating_conjunctions_differ():
    # seqeval 1.x reads both as type CONJ and scores 100 here.
    assert span_f1([["CCONJ"]], [["SCONJ"]]).f1 == 0


def test_a_final_x_is_a_span():
    # seqeval 1.x loses it and scores 0 here.
    assert span_f1([["X"]], [["X"]]).f1 == 100


def test_spans_do_not_cross_sentences():
    scores = span_f1([["NOUN"], ["NOUN"]], [["NOUN"], ["VERB"]])
    assert (scores.precision, scores.recall) == (50, 50)


def test_nothing_to_find_scores_zero():
    scores = span_f1([["O", "O"]], [["O", "O"]])
    assert (scores.f1, scores.accuracy) == (0, 100)


@pytest.mark.parametrize(
    ("gold", "predicted", "message"),
    [
        ([["O"]], [["O"], ["O"]], "1 gold sentences but 2"),
        ([["O"], ["O", "O"]], [["O"], ["O"]], "sentence 1: 2 gold tags but 1"),
        ([], [], "no examples"),
    ],
)
def test_sequences_that_do_not_fit_are_refused(gold, predicted, message):
    with pytest.raises(ValueError, match=message):
        span_f1(gold, predicted)
