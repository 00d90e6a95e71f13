import pytest

from stilts_repro.tasks.format import Text
from stilts_repro.translation.passages import (
    Passage,
    TranslatedText,
    cut,
    join,
    occurrences,
    trimmed,
)

TEXT = 'Dr. Smith came. He said "no!" to J. Doe, i.e. me. why? and 3.5 more'


def sentences(text, whole=()):
    return [text[low:high] for low, high in cut(text, whole)]


def test_sentences():
    assert sentences(TEXT) == [
        *("Dr. Smith came.", 'He said "no!"', "to J. Doe, i.e. me.", "why?", "and 3.5 more"),
    ]
    assert sentences("One. Two. ") == ["One.", "Two."]
    assert sentences("") == [] and sentences("one") == ["one"]
    assert sentences("in the U.S. Army. Yes.") == ["in the U.S. Army.", "Yes."]


def test_no_cut_inside_an_answer():
    text = "He met Yo! La Tengo. Then he left."
    assert sentences(text) == ["He met Yo!", "La Tengo.", "Then he left."]
    assert sentences(text, [(7, 19)]) == ["He met Yo! La Tengo.", "Then he left."]
    assert sentences(text, [(11, 19)]) == sentences(text, [(7, 10)]) == sentences(text)


def test_join():
    assert join(["a.", "", "b."], "de") == "a. b."
    assert join(["あ。", "い。"], "ja") == "あ。い。"


def found(text, wanted, target="de", folded=False):
    return [text[a:b] for a, b in occurrences(text, wanted, target, folded=folded)]


def test_an_answer_is_words_of_their_own_or_begins_one():
    assert occurrences("Rom und Rom", "Rom", "de", folded=False) == [(0, 3), (8, 11)]
    assert found("Aroma", "rom") == []
    assert found("in Roms Gassen", "Rom") == ["Rom"]
    assert occurrences("Roms Rom", "Rom", "de", folded=False) == [(5, 8)]
    assert found("1950 Leute", "19") == found("1950 Leute", "50") == []
    assert found("50 Leute", "50") == ["50"]
    assert found("ab", "a") == found("x", "") == []
    assert found("कीमत", "क", "hi") == []


def test_languages_without_blanks():
    assert found("彼はローマに住む", "ローマ", "ja") == ["ローマ"]
    assert found("1950年", "50", "zh") == []
    assert found("50年", "50", "zh") == ["50"]
    assert found("在IBM工作", "IBM", "zh") == ["IBM"] and found("IBMX", "IBM", "zh") == ["IBM"]


def test_folded():
    assert found("die  GROSSE\u00a0Straße", "große straSSe", folded=True) == ["GROSSE\u00a0Straße"]
    assert found("die große", "Große") == []


@pytest.mark.parametrize(
    ("translation", "text", "expected"),
    [
        ("Rom.", "Rome", "Rom"),
        ("a.C.", "B.C.", "a.C."),
        (" 罗马。", "Rome", "罗马"),
        (".", "x", ""),
    ],
)
def test_stops_that_the_answer_did_not_have_are_taken_off(translation, text, expected):
    assert trimmed(translation, text) == expected


def passage(context, *answers):
    return Passage.of(Text(context, tuple((start, start + len(text)) for text, start in answers)))


def answers(translation):
    """The answers found, each with its place and how it was found."""
    found = zip(translation.answers, translation.ways, strict=True)
    return [(translation.text[low:high], low, way) for (low, high), way in found]


def test_of_several_places_the_one_that_counts_the_same():
    here = passage("Bo saw Bo. Bo ran.", ("Bo", 7), ("Bo", 11), ("Bo", 0))
    said = {"Bo": "Bo", "Bo saw Bo.": "Bo, den Bo sah.", "Bo ran.": "Es lief Bo."}
    assert here.pieces == ["Bo saw Bo.", "Bo ran.", "Bo", "Bo", "Bo"]
    translation = here.translated(said, "de")
    assert translation.text == "Bo, den Bo sah. Es lief Bo."
    assert answers(translation) == [("Bo", 8, "exact"), ("Bo", 24, "exact"), ("Bo", 0, "exact")]


def test_ways_to_find_an_answer():
    here = passage(
        "The Beatles sang in May 1964.", ("The Beatles", 0), ("May 1964", 20), ("sang", 12)
    )
    said = {
        "The Beatles sang in May 1964.": "Im Mai 1964 sangen the Beatles.",
        "The Beatles": "The Beatles.",
        "May 1964": "im Mai  1964",
        "sang": "gesungen",
    }
    expected = [("the Beatles", 19, "folded"), ("Im Mai 1964", 0, "folded"), ("sang", 12, "copied")]
    assert answers(here.translated(said, "de")) == expected
    said["The Beatles sang in May 1964."] = "Im Mai."
    assert answers(here.translated(said, "de")) == []


def test_lines_stay_apart():
    here = passage("One.\n\nTwo. Three.", ("Three", 11))
    said = {"One.": "一。", "Two.": "二。", "Three.": "三。", "Three": "三"}
    assert here.translated(said, "zh") == TranslatedText("一。\n\n二。三。", ((6, 7),), ("exact",))


def test_text_that_is_no_context_is_translated_as_a_whole():
    said = {"One. Two.": "一。二。"}
    assert Passage.of(Text("One. Two.")).translated(said, "zh") == TranslatedText("一。二。", ())
    assert passage("One. Two.").pieces == ["One.", "Two."]


def test_a_passage_is_lost_with_any_piece_of_it():
    here = passage("One. Two.", ("Two", 5))
    said = {"One.": "一。", "Two.": "二。", "Two": "二"}
    assert here.translated(said, "zh").text == "一。二。"
    for lost in said:
        assert here.translated({**said, lost: " "}, "zh") is None


def test_an_empty_answer_is_nowhere():
    for context, place in (("", 0), ("One.", 0), ("One.", 4)):
        assert (
            passage(context, ("", place)).translated({"One.": "一。", "": ""}, "zh").answers == ()
        )
