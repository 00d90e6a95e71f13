"""A row that cannot be used stops the run with one line that says which row and what is wrong."""

import pytest

from stilts_repro.errors import InputError
from stilts_repro.tasks.tagging import Tagging
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.training_sets import NLI_LABELS, TRAINING_SETS

WHERE = "some/repo config/train row 7"
PAIR = {"premise": "A cat sat.", "hypothesis": "A cat stood.", "label": 2}
CHOICE = {"ctx_a": "He", "ctx_b": "then", "endings": ["a", "b", "c", "d"], "label": "3"}
TAGS = {"tokens": ["In", "Paris"], "ner_tags": [0, 5]}
QUESTION = {
    "id": "q1",
    "question": "Where?",
    "context": "He lives in Rome.",
    "answers": {"text": ["Rome"], "answer_start": [12]},
}
SENTENCES = {
    "source_sentence": "Ein Hund.",
    "target_sentence": "A dog.",
    "source_lang": "de-1",
    "target_lang": "en-1",
}
COPA = {
    "premise": "He fell.",
    "choice1": "It hurt.",
    "choice2": "It rained.",
    "question": "cause",
    "label": 1,
}
SIQA = {"context": "He fell.", "question": "How is he?", "label": "3"} | {
    f"answer{letter}": letter for letter in "ABC"
}
FORMATS = {
    "copa": (TRAINING_SETS["copa"].format, COPA),
    "siqa": (TRAINING_SETS["siqa"].format, SIQA),
    "pair": (TRAINING_SETS["mnli"].format, PAIR),
    "choice": (TRAINING_SETS["hellaswag"].format, CHOICE),
    "tags": (TRAINING_SETS["panx_en"].format, TAGS),
    "open_tags": (Tagging("tokens", "tags", None), {"tokens": ["He"], "tags": ["NP"]}),
    "span": (TRAINING_SETS["squad_v1"].format, QUESTION),
    "span_v2": (TRAINING_SETS["squad_v2"].format, QUESTION),
    "retrieval": (TARGET_TASKS["bucc2018"].format, SENTENCES),
}


def refusal(kind, row):
    with pytest.raises(InputError) as caught:
        FORMATS[kind][0].parse(row, WHERE)
    message = str(caught.value)
    assert message.startswith(WHERE)
    assert "\n" not in message
    return message


def answers(text, start):
    return {"answers": {"text": text, "answer_start": start}}


def test_good_rows_pass():
    parsed = {kind: form.parse(row, WHERE) for kind, (form, row) in FORMATS.items()}
    assert parsed["pair"].label == NLI_LABELS.index("contradiction")
    assert parsed["choice"].endings == ("then a", "then b", "then c", "then d")
    assert (parsed["choice"].prompt, parsed["choice"].label) == ("He", 3)
    assert parsed["copa"].prompt == "He fell. What was the cause?"
    assert parsed["copa"].endings == ("It hurt.", "It rained.")
    assert (parsed["siqa"].prompt, parsed["siqa"].label) == ("He fell. How is he?", 2)
    assert parsed["tags"].tags == ("O", "B-LOC")
    assert parsed["span"].answers == (("Rome", 12),)
    assert parsed["retrieval"].target_id == "en-1"


@pytest.mark.parametrize("blanks", [1, 5])
def test_an_answer_is_found_in_a_context_that_a_loader_has_stripped(blanks):
    form, row = FORMATS["span"]
    moved = {**row, **answers(["Rome"], [12 + blanks])}
    assert form.parse(moved, WHERE).answers == (("Rome", 12),)
    whole = {**moved, "context": " " * blanks + row["context"]}
    assert form.parse(whole, WHERE).answers == (("Rome", 12 + blanks),)
    # A context with its blanks was not stripped.
    assert "is not at" in refusal("span", {**whole, **answers(["Rome"], [13 + blanks])})


@pytest.mark.parametrize("label", [1, 2, 3, "1", "2", "3"])
def test_labels_that_count_from_one_do_as_numbers_too(label):
    form, row = FORMATS["siqa"]
    assert form.parse({**row, "label": label}, WHERE).label == int(label) - 1
    assert "label '0' is none of 1, 2, 3" in refusal("siqa", {**row, "label": 0})


@pytest.mark.parametrize("kind", FORMATS)
def test_every_column_must_be_there(kind):
    _, row = FORMATS[kind]
    for column in row:
        message = refusal(kind, {name: value for name, value in row.items() if name != column})
        assert f"no column '{column}'" in message


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("value", [None, 1.5, {"a": "line\nbreak"}])
def test_every_column_must_hold_its_type(kind, value):
    _, row = FORMATS[kind]
    for column in row:
        if column == "answers" and isinstance(value, dict):
            continue
        assert f"'{column}' holds {type(value).__name__}" in refusal(kind, {**row, column: value})


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("open_tags", {"tags": [""]}, "the tag of word 0 is empty"),
        ("open_tags", {"tags": [3]}, "column 'tags' holds int 3 at place 0"),
        ("pair", {"label": 3}, "label 3 is none of entailment, neutral, contradiction"),
        ("pair", {"label": -1}, "label -1 is none of"),
        ("pair", {"label": "maybe"}, "label 'maybe' is none of"),
        ("choice", {"label": ""}, "label '' is none of 0, 1, 2, 3"),
        ("choice", {"label": "4"}, "label '4' is none of"),
        ("choice", {"endings": ["a", "b", "c"]}, "3 endings where 4 are due"),
        ("tags", {"ner_tags": [0]}, "2 words and 1 tags"),
        ("tags", {"tokens": [], "ner_tags": []}, "0 words and 0 tags"),
        ("tags", {"ner_tags": [0, 7]}, "label 7 is none of O, B-PER"),
        ("tags", {"ner_tags": [0, "B-MISC"]}, "label 'B-MISC' is none of"),
        ("tags", {"ner_tags": [0, None]}, "holds NoneType"),
        ("span", answers(["Rome"], [11]), "answer 'Rome' is not at character 11"),
        ("span", answers(["Paris"], [12]), "answer 'Paris' is not at character 12"),
        ("span", answers(["."], [-1]), "answer '.' is not at character -1"),
        ("span", answers(["Rome"], [12, 13]), "1 answer texts and 2 offsets"),
        ("span", answers([], []), "no answer, and this data set has no such questions"),
        ("span", {"answers": {"text": ["Rome"]}}, "no column 'answer_start'"),
        ("span", answers("Rome", [12]), "column 'text' holds str"),
        ("span_v2", answers(["Rome", "Paris"], [12, 12]), "answer 'Paris' is not at"),
    ],
)
def test_what_a_row_may_not_hold(kind, change, says):
    message = refusal(kind, {**FORMATS[kind][1], **change})
    assert says in message
    if kind.startswith("span"):
        assert "(id q1)" in message


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("span", answers([3], [12])),
        ("span", answers(["Rome"], [None])),
        ("span", answers(["Rome"], ["12"])),
        ("choice", {"endings": ["a", None, "c", "d"]}),
        ("tags", {"tokens": ["In", None]}),
    ],
)
def test_lists_must_hold_the_right_type(kind, change):
    refusal(kind, {**FORMATS[kind][1], **change})


def test_labels_come_as_names_or_as_numbers():
    form = TARGET_TASKS["xnli"].format
    row = {"sentence1": "a", "sentence2": "b"}
    for index, name in enumerate(NLI_LABELS):
        assert form.parse({**row, "gold_label": name}, WHERE).label == index
        assert form.parse({**row, "gold_label": index}, WHERE).label == index
    tags = TARGET_TASKS["udpos"].format
    assert tags.parse({"tokens": ["a"], "pos_tags": ["NOUN"]}, WHERE).tags == ("NOUN",)


def test_only_squad_2_has_questions_without_an_answer():
    row = {**QUESTION, **answers([], [])}
    form = FORMATS["span_v2"][0]
    parsed = form.parse(row, WHERE)
    assert (parsed.answers, form.withheld(parsed)) == ((), "")


def test_blank_answers_are_withheld_ones():
    form = FORMATS["span"][0]
    parsed = form.parse({**QUESTION, **answers([""], [0])}, WHERE)
    assert form.withheld(parsed) == f"(id {parsed.id}): its answer is empty text"
    assert not form.withheld(form.parse(QUESTION, WHERE))


def test_a_question_of_copa_is_for_cause_or_effect():
    assert "'reason'" in refusal("copa", COPA | {"question": "reason"})
