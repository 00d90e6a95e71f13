import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_repro.metrics.squad import (
    QaScores,
    best_threshold_scores,
    mlqa_scores,
    squad_scores,
    squad_tokens,
)


def one(golds, prediction):
    return squad_scores({"q": golds}, {"q": prediction})


def mlqa_one(gold, prediction, language):
    return mlqa_scores({"q": [gold]}, {"q": prediction}, language)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The U.S. Army, an army!", ["us", "army", "army"]),
        ("anthem  the\ta", ["anthem"]),
        ("well-known", ["wellknown"]),
        ("«été»", ["«été»"]),  # only ASCII punctuation goes
        ("在北京。", ["在北京。"]),  # no segmentation
    ],
)
def test_squad_tokens(text, tokens):
    assert squad_tokens(text) == tokens


def test_the_best_gold_answer_counts_for_each_score():
    scores = one(["in the north of France", "France"], "northern France")
    assert scores == QaScores(f1=pytest.approx(100 * 2 / 3), exact_match=0)
    assert one(["north", "France"], "the France.") == QaScores(100, 100)


def test_repeated_tokens_count_as_often_as_both_have_them():
    assert one(["b b c"], "b b b").f1 == pytest.approx(100 * 2 / 3)


def test_a_missing_prediction_scores_zero_and_a_stray_one_is_ignored():
    scores = squad_scores({"a": ["x"], "b": ["y"]}, {"a": "x", "other": "z"})
    assert scores == QaScores(50, 50)


def test_empty_texts_match_in_version_1_but_share_no_token():
    assert one(["the"], "") == QaScores(f1=0, exact_match=100)


def test_version_2_wants_no_answer_where_there_is_none():
    golds = {"none": [], "some": ["x"], "empty": ["the"]}
    assert squad_scores(golds, {"none": "", "some": "x", "empty": "A"}) == QaScores(100, 100)
    assert squad_scores(golds, {"none": "x", "some": "", "empty": "y"}) == QaScores(0, 0)


def test_scores_need_questions():
    for score in (squad_scores, lambda *args: mlqa_scores(*args, "en")):
        with pytest.raises(ValueError, match="no questions"):
            score({}, {})


@pytest.mark.parametrize(
    ("language", "gold", "prediction"),
    [
        ("en", "the cat", "A “cat”"),
        ("es", "los gatos", "¿gatos?"),
        ("de", "dem Haus", "das Haus"),
        ("vi", "những con mèo", "con mèo"),
        ("ar", "القط", "قط؟"),
        ("hi", "बिल्ली।", "बिल्ली"),
        ("zh", "《北京》大学", "北京大学"),
    ],
)
def test_mlqa_takes_out_articles_and_unicode_punctuation(language, gold, prediction):
    assert mlqa_one(gold, prediction, language) == QaScores(100, 100)


def test_mlqa_articles_are_the_languages_own():
    assert mlqa_one("the cat", "cat", "de").exact_match == 0
    assert mlqa_one("die Katze", "Katze", "en").exact_match == 0


def test_mlqa_arabic_article_goes_inside_a_word_too():
    assert mlqa_one("بالقط", "ب قط", "ar").exact_match == 100


def test_mlqa_segments_chinese_by_character_and_the_rest_at_blanks():
    # Tokens: 北 京 2008 olympics | 北 2008 -> 2 shared of 4 and 2.
    assert mlqa_one("北京2008 Olympics", "北 2008", "zh").f1 == pytest.approx(200 / 3)
    assert mlqa_one("北京", "北", "hi").f1 == 0


def test_mlqa_refuses_other_languages():
    with pytest.raises(ValueError, match="'fr'"):
        mlqa_one("x", "x", "fr")


QUESTIONS = st.lists(
    st.tuples(
        st.sampled_from([[], ["x"], ["x y"]]),
        st.sampled_from(["", "x", "z"]),
        st.integers(-50, 50),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda question: question[2],
)


@settings(max_examples=150, deadline=None)
@given(QUESTIONS)
def test_best_threshold_is_the_best_of_all_thresholds(questions):
    golds, predictions, scores = (
        {str(i): question[column] for i, question in enumerate(questions)} for column in range(3)
    )

    def scores_at(threshold):
        kept = {key: text if scores[key] <= threshold else "" for key, text in predictions.items()}
        # A question without answer makes the set version 2; it is right and leaves the ranking.
        result = squad_scores({**golds, "v2": []}, {**kept, "v2": ""})
        n = len(golds)
        return ((v * (n + 1) - 100) / n for v in (result.f1, result.exact_match))

    best = best_threshold_scores(golds, predictions, scores)
    at_all = [tuple(scores_at(t)) for t in [-100, *scores.values()]]
    assert best.f1 == pytest.approx(max(f1 for f1, _ in at_all))
    assert best.exact_match == pytest.approx(max(exact for _, exact in at_all))


def test_equal_no_answer_scores_are_split_in_the_mappings_order():
    # jiant passes 0 for every question: the official script still stops in the middle.
    golds, predictions = {"a": ["x"], "b": []}, {"a": "x", "b": "y"}
    assert best_threshold_scores(golds, predictions, {"a": 0.0, "b": 0.0}).f1 == 100
    assert best_threshold_scores(golds, predictions, {"b": 0.0, "a": 0.0}).f1 == 50


def test_nothing_may_be_answered_where_that_is_best():
    golds, predictions = {"a": [], "b": ["x"]}, {"a": "x", "b": "y"}
    best = best_threshold_scores(golds, predictions, {"a": 0.5, "b": -2.0})
    assert (best.f1, best.exact_match) == (50, 50)


def test_best_threshold_needs_all_three_mappings():
    with pytest.raises(ValueError, match="without a no-answer score, first 'a'"):
        best_threshold_scores({"a": ["x"]}, {"a": "x"}, {})
    with pytest.raises(ValueError, match="without a prediction, first 'a'"):
        best_threshold_scores({"a": ["x"]}, {}, {"a": 0.0})
