"""From logits to metrics and to predictions that can be written down."""

import json

import numpy as np
import pytest

from stilts_repro.data.features import TOKEN_PADDING, Features
from stilts_repro.evaluation.predict import broken_by_language, score_by_language
from stilts_repro.metrics.labels import label_f1, span_f1
from stilts_repro.tasks.classification import Classification, Pair
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.multiple_choice import Choices
from stilts_repro.tasks.span import Question, Span
from stilts_repro.tasks.tagging import Tagged, Tagging
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.training_sets import TRAINING_SETS


def one_hot(indices, outputs):
    return np.eye(outputs, dtype=np.float32)[list(indices)]


def test_a_positive_label_gives_gLUEs_mean_of_accuracy_and_f1():
    form = Classification("a", "b", "label", ("0", "1"), positive="1")
    gold, predicted = [1, 1, 1, 0, 0], [1, 0, 1, 1, 0]
    examples = [Pair("a", "b", label) for label in gold]
    features = Features.of([[0]] * 5, unit={"label": gold})
    scored = score_by_language(form, {"en": examples}, features, one_hot(predicted, 2))["en"]
    assert scored.predictions == ["1", "0", "1", "1", "0"]
    f1 = 100 * 2 * (2 / 3) * (2 / 3) / (2 / 3 + 2 / 3)
    assert scored.metrics == pytest.approx(
        {"accuracy": 60.0, "f1": f1, "accuracy_f1": (60 + f1) / 2}
        | {"macro_f1": (f1 + 50) / 2, "f1_of_1": f1}
    )
    assert form.metric == "accuracy_f1"
    plain = Classification("a", "b", "label", ("0", "1"))
    scored = score_by_language(plain, {"en": examples}, features, one_hot(predicted, 2))["en"]
    assert (scored.metrics["accuracy"], plain.metric) == (60.0, "accuracy")
    assert "f1" not in scored.metrics


def test_label_f1_of_nothing_is_zero_and_lengths_must_agree():
    assert label_f1(["0"], ["0"], "1") == 0
    assert label_f1(["1", "0"], ["0", "1"], "1") == 0
    assert label_f1([1, 1], [1, 1], 1) == 100
    with pytest.raises(ValueError, match="2 gold labels but 1 predictions"):
        label_f1([1, 1], [1], 1)


def test_each_language_gets_its_own_rows():
    form = Classification("a", "b", "label", ("no", "yes"))
    held = {"en": [Pair("a", "b", 1)] * 2, "de": [Pair("a", "b", 0)]}
    features = Features.of([[0]] * 3, unit={"label": [1, 1, 0]})
    scored = score_by_language(form, held, features, one_hot([1, 0, 0], 2))
    assert {code: found.predictions for code, found in scored.items()} == {
        "en": ["yes", "no"],
        "de": ["no"],
    }
    assert [found.metrics["accuracy"] for found in scored.values()] == [50.0, 100.0]


def test_multiple_choice_predicts_the_place_of_an_ending():
    form = TRAINING_SETS["hellaswag"].format
    examples = [Choices("a", tuple("bcde"), label) for label in (3, 1)]
    features = Features.of([[0]] * 8, group=4, unit={"label": [3, 1]})
    found = score_by_language(form, {"en": examples}, features, one_hot([3, 0], 4))["en"]
    assert (found.predictions, found.metrics) == ([3, 0], {"accuracy": 50.0})


def tag_logits(features, tags, outputs):
    """Logits [units, T, outputs] that give `tags`, word after word."""
    longest = int(features.unit_lengths().max())
    logits = np.full((len(features), longest, outputs), -np.inf, np.float32)
    tags = iter(tags)
    for unit in range(len(features)):
        labels = features.token["label"][features.offsets[unit] : features.offsets[unit + 1]]
        logits[unit, : len(labels)] = 0
        for place in np.flatnonzero(labels != TOKEN_PADDING):
            logits[unit, place, next(tags)] = 1
    return logits


def test_every_word_of_a_split_sentence_is_scored(tokenizer):
    form = TARGET_TASKS["panx"].format
    rng = np.random.default_rng(0)
    held = {}
    for code, sizes in {"en": (40, 2, 17), "de": (1, 33)}.items():
        held[code] = [
            Tagged(("he",) * n, tuple(form.labels[i] for i in rng.integers(7, size=n)))
            for n in sizes
        ]
    everything = [e for examples in held.values() for e in examples]
    features = form.featurise(everything, tokenizer, Limits(14))
    assert len(features) > len(everything)
    predicted = rng.integers(7, size=sum(len(e.words) for e in everything))
    found = score_by_language(form, held, features, tag_logits(features, predicted, 7))
    names = iter(form.labels[i] for i in predicted)
    for code, examples in held.items():
        expected = [[next(names) for _ in e.words] for e in examples]
        assert found[code].predictions == expected
        assert found[code].metrics == vars(span_f1([e.tags for e in examples], expected))
    assert form.metric == "f1"


def test_a_tag_that_training_never_saw_is_wrong_and_breaks_nothing(tokenizer):
    form = Tagging("tokens", "tags", None, metric="accuracy")
    form = form.fitted(lambda: [Tagged(("he", "she"), ("NP", "N"))])
    examples = [Tagged(("he", "she", "he"), ("N", "S/NP", "other"))]
    features = form.featurise(examples, tokenizer, Limits(32))
    logits = tag_logits(features, [0, 1, 0], 2)
    found = score_by_language(form, {"en": examples}, features, logits)["en"]
    assert found.predictions == [["N", "NP", "N"]]
    assert found.metrics == {"accuracy": pytest.approx(100 / 3)}  # no spans: the tags are none
    assert form.metric == "accuracy"


def test_answers_are_kept_by_question_and_are_plain_json(tokenizer):
    form = Span()
    examples = [Question(f"q{n}", "he", "she he she", (("he", 4),)) for n in range(3)]
    features = form.featurise(examples, tokenizer, Limits(64))
    longest = int(features.unit_lengths().max())
    logits = np.zeros((3, longest, 2), np.float32)
    scored = score_by_language(form, {"en": examples[:2], "de": examples[2:]}, features, logits)
    assert [list(found.predictions) for found in scored.values()] == [["q0", "q1"], ["q2"]]
    for found in scored.values():
        assert json.loads(json.dumps(found.predictions)) == found.predictions
        assert all(text in "she he she" for text in found.predictions.values())


# Units whose output was not finite ----------------------------------------------------------------


def test_what_has_no_finite_logits_is_wrong_and_the_rest_is_scored_as_ever(tokenizer):
    form = Classification("a", "b", "label", ("no", "yes"))
    examples = [Pair("he", "she", 0), Pair("he", "he", 1), Pair("she", "he", 1)]
    features = form.featurise(examples, tokenizer, Limits(32))
    logits = np.array([[np.nan, np.nan], [0, 1], [0, 1]], np.float32)
    held = {"en": examples[:2], "de": examples[2:]}
    found = score_by_language(form, held, features, logits)
    assert found["en"].predictions == ["", "yes"] and found["de"].predictions == ["yes"]
    assert [held.metrics["accuracy"] for held in found.values()] == [50.0, 100.0]
    assert broken_by_language(held, features, logits) == {"en": [0], "de": []}


def test_an_answer_comes_from_the_windows_that_have_finite_logits(tokenizer):
    form = Span()
    context = "she he she " * 30
    examples = [Question("q0", "he", context, (("she", 0),)), Question("q1", "he", "he", ())]
    features = form.featurise(examples, tokenizer, Limits(24, 8, 8))
    logits = np.zeros((len(features), int(features.unit_lengths().max()), 2), np.float32)
    logits[features.unit["start"].argmax()] = np.nan
    logits[-1] = np.nan  # the only window of the second question
    held = {"en": examples}
    found = score_by_language(form, held, features, logits)["en"]
    assert found.predictions["q0"] and found.predictions["q1"] == ""
    assert broken_by_language(held, features, logits) == {"en": [0, 1]}


def test_the_words_of_a_broken_sentence_have_no_tag(tokenizer):
    form = Tagging("tokens", "tags", ("A", "B"))
    examples = [Tagged(("he", "she"), ("A", "A")), Tagged(("he",), ("A",))]
    features = form.featurise(examples, tokenizer, Limits(32))
    logits = tag_logits(features, [0, 0, 0], 2)
    logits[0] = np.nan
    found = score_by_language(form, {"en": examples}, features, logits)["en"]
    assert found.predictions == [["O", "O"], ["A"]]
    assert found.metrics["recall"] == 50.0
    assert broken_by_language({"en": examples}, features, logits) == {"en": [0]}
