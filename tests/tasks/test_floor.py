"""What takes no learning, by format: the score that the gate holds a baseline against."""

import pytest

from stilts_repro.evaluation.predict import largest_share
from stilts_repro.tasks.classification import Pair
from stilts_repro.tasks.retrieval import Retrieval, Translation
from stilts_repro.tasks.tagging import Tagged
from stilts_repro.tasks.targets import TARGET_TASKS


def floor(task, examples):
    return TARGET_TASKS[task].format.floor(examples, "en")


def test_of_classes_it_is_the_commonest():
    assert floor("pawsx", [Pair("a", "b", label) for label in (0, 0, 0, 1)]) == 75.0


def test_of_tags_it_is_the_commonest_everywhere():
    told = [Tagged(("It", "is", "Rome"), ("O", "O", "B-LOC"))]
    assert floor("panx", told) == 0.0
    told = [Tagged((word,), (tag,)) for word, tag in (("a", "NOUN"), ("b", "VERB"), ("c", "NOUN"))]
    assert floor("udpos", told) == pytest.approx(200 / 3)


def test_of_retrieval_it_is_one_sentence_for_all_or_no_pair():
    pairs = [Translation(str(n), str(n), f"s{n}", f"t{n}") for n in range(4)]
    assert Retrieval(mining=False).floor(pairs, "de") == 25.0
    assert Retrieval(mining=True).floor(pairs, "de") == 0.0


def test_of_questions_there_is_none():
    assert floor("tydiqa", []) is None


@pytest.mark.parametrize(
    ("predictions", "share"),
    [
        (["a", "b", "a", "a"], 0.75),
        ([["O", "O"], ["O", "B-LOC"]], 0.75),
        ({"q1": "Rome", "q2": "Paris"}, 0.5),
        ([], 0.0),
    ],
)
def test_the_largest_share_of_predictions(predictions, share):
    assert largest_share(predictions) == share
