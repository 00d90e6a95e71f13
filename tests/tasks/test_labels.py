"""A label is what its name says, in whatever order a file numbers the names."""

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stilts_repro.data.hub import HubSource
from stilts_repro.data.source import DirectorySource
from stilts_repro.errors import InputError
from stilts_repro.tasks.loading import load_evaluation, load_training
from stilts_repro.tasks.tagging import Tagging
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import Part
from stilts_repro.tasks.training_sets import NLI_LABELS, TRAINING_SETS, UPOS_LABELS

GLUE = "nyu-mll/glue"
SAID = ("neutral", "contradiction", "entailment", "neutral")


def pairs(labels):
    return [
        {"premise": f"p{place}", "hypothesis": "h", "label": label}
        for place, label in enumerate(labels)
    ]


def write(root, repo, config, split, rows, **names):
    """Write rows with names of classes; a keyword a column."""

    def feature(column):
        label = {"names": list(names[column]), "_type": "ClassLabel"}
        lists = isinstance(rows[0][column], list)
        return {"feature": label, "_type": "List"} if lists else label

    table = pa.Table.from_pylist(rows)
    info = {"info": {"features": {column: feature(column) for column in names}}}
    path = root / repo / config / f"{split}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), path)
    return DirectorySource(root)


def test_a_cap_counts_labelled_rows_from_all_over_a_file(tmp_path):
    rows = pairs([-1 if place % 10 == 5 else place % 3 for place in range(1000)])
    source = write(tmp_path, GLUE, "mnli", "train", rows)
    data = replace(TRAINING_SETS["mnli"], drop_unlabelled=True)
    loaded = load_training(source, data, 100)
    places = [int(example.first[1:]) for example in loaded.examples]
    assert len(places) == 100 and places == sorted(places)
    assert places[0] < 10 and places[-1] > 980
    assert 5 <= loaded.unlabelled <= 20


def labels_of(source, name="mnli"):
    return [example.label for example in load_training(source, TRAINING_SETS[name], None).examples]


@pytest.mark.parametrize(
    "names",
    [
        NLI_LABELS,
        ("contradiction", "entailment", "neutral"),  # sorted
        ("neutral", "hidden", "contradiction", "entailment"),
        ("Neutral", "CONTRADICTION", "Entailment"),
        ("c", "e", "n"),
        ("contradictory", "entailment", "neutral"),
    ],
)
def test_names_decide_and_not_their_order(tmp_path, names):
    short = {name[0].lower(): number for number, name in enumerate(names)}
    rows = pairs([short[name[0]] for name in SAID])
    source = write(tmp_path, GLUE, "mnli", "train", rows, label=names)
    assert labels_of(source) == [NLI_LABELS.index(name) for name in SAID]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("names", [("0", "1"), ("not_duplicate", "duplicate"), ("False", "True")])
def test_qqps_names_are_glues(tmp_path, names, order):
    rows = [{"question1": "a", "question2": "b", "label": label} for label in (0, 1, 1)]
    write(tmp_path, GLUE, "qqp", "train", rows, label=[names[place] for place in order])
    assert labels_of(DirectorySource(tmp_path), "qqp") == [order[label] for label in (0, 1, 1)]


def test_the_hub_and_a_folder_agree(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    names = ("contradiction", "entailment", "neutral")
    source = write(tmp_path, GLUE, "mnli", "train", pairs([0, 2, 1, -1]), label=names)
    files = "- {config_name: mnli, data_files: [{split: train, path: mnli/train.parquet}]}"
    (tmp_path / GLUE / "README.md").write_text(f"---\nconfigs:\n{files}\n---\n")
    hub = HubSource(prefix=f"{tmp_path}/")
    assert hub.load(GLUE, "mnli", "train") == source.load(GLUE, "mnli", "train")
    assert [row["label"] for row in hub.load(GLUE, "mnli", "train", 2)] == [
        "contradiction",
        "entailment",
    ]


def test_what_datasets_itself_sorts_is_read(tmp_path):
    import datasets

    folder = tmp_path / GLUE / "mnli"
    folder.mkdir(parents=True)
    data = datasets.Dataset.from_list(pairs(SAID)).class_encode_column("label")
    assert data[0]["label"] == 2
    data.to_parquet(folder / "train.parquet")
    assert labels_of(DirectorySource(tmp_path)) == [NLI_LABELS.index(name) for name in SAID]


def test_names_that_are_numbers_are_the_numbers(tmp_path):
    """`class_encode_column` of numbers: -1 is a class of its own, and 0 is no longer 0."""
    names = ("-1", "0", "1", "2")
    rows = pairs([0, 1, 2, 3])
    source = write(tmp_path, "stanfordnlp/snli", "plain_text", "train", rows, label=names)
    for split in ("train_r1", "train_r2", "train_r3"):
        write(tmp_path, "facebook/anli", "plain_text", split, pairs([0]), label=("n",))
    write(tmp_path, GLUE, "mnli", "train", pairs([1]), label=("x", "e"))
    loaded = load_training(source, TRAINING_SETS["anli"], None)
    assert [e.label for e in loaded.examples] == [1, 1, 1, 0, 0, 1, 2]
    assert loaded.unlabelled == 1


def test_classes_named_as_a_data_set_counts_them_are_its_labels(tmp_path):
    """SIQA's count from 1, and `class_encode_column` names classes by them."""
    texts = dict.fromkeys(("context", "question", "answerA", "answerB", "answerC"), "a")
    rows = [{**texts, "label": place} for place in (0, 2)]
    source = write(tmp_path, "allenai/social_i_qa", "default", "train", rows, label=("1", "2", "3"))
    assert labels_of(source, "siqa") == [0, 2]


@pytest.mark.parametrize("label", [-1, "-"])
def test_rows_without_a_majority_are_dropped_as_ever(tmp_path, label):
    names = {} if label == "-" else {"label": NLI_LABELS}
    for split in ("train_r1", "train_r2", "train_r3"):
        write(tmp_path, "facebook/anli", "plain_text", split, pairs(["neutral"]))
    write(tmp_path, GLUE, "mnli", "train", pairs(["neutral"]))
    held = [label, "neutral"] if label == "-" else [label, 1]
    source = write(tmp_path, "stanfordnlp/snli", "plain_text", "train", pairs(held), **names)
    loaded = load_training(source, TRAINING_SETS["anli"], None)
    assert ([e.label for e in loaded.examples], loaded.unlabelled) == ([1] * 5, 1)


@pytest.mark.parametrize("names", [("yes", "no", "maybe"), ("1", "2", "3"), ("entailed", "n", "c")])
def test_other_names_are_refused_in_one_line(tmp_path, names):
    source = write(tmp_path, GLUE, "mnli", "train", pairs([0, 1]), label=names)
    with pytest.raises(InputError) as caught:
        labels_of(source)
    listed = ", ".join(map(repr, names))
    assert str(caught.value) == (
        f"nyu-mll/glue mnli/train row 0: label {names[0]!r} is none of entailment, neutral, "
        f"contradiction; column 'label' holds the classes {listed}: rename them"
    )


def test_tags_go_by_name(tmp_path):
    tags = ("X", "_", *sorted(set(UPOS_LABELS) - {"X"}, reverse=True))
    rows = [{"tokens": ["He", "ran"], "pos_tags": [tags.index("PRON"), tags.index("VERB")]}]
    repo, config = "google/xtreme", "udpos.German"
    source = write(tmp_path, repo, config, "test", rows, pos_tags=tags)
    loaded = load_evaluation(source, TARGET_TASKS["udpos"], Part("test"), "de", None)
    assert loaded.examples[0].tags == ("PRON", "VERB")
    rows[0]["pos_tags"][1] = 1
    write(tmp_path, repo, config, "test", rows, pos_tags=tags)
    with pytest.raises(InputError, match=r"label '_' is none of ADJ, .*'X', '_', 'VERB'"):
        load_evaluation(source, TARGET_TASKS["udpos"], Part("test"), "de", None)


def test_an_open_set_of_tags_may_be_classes(tmp_path):
    rows = [{"tokens": ["He", "ran"], "tags": [1, 0]}]
    (row,) = write(tmp_path, "a/b", "c", "d", rows, tags=("S\\NP", "NP")).load("a/b", "c", "d")
    parsed = Tagging("tokens", "tags", None).parse(row, "row")
    assert parsed.tags == ("NP", "S\\NP") and {type(tag) for tag in parsed.tags} == {str}


def test_texts_may_be_classes_too(tmp_path):
    """Languages and the letters of answers are texts, which `class_encode_column` numbers."""
    rows = [
        {"sentence1": "a", "sentence2": "b", "gold_label": 1, "language": 0},
        {"sentence1": "a", "sentence2": "c", "gold_label": 0, "language": 1},
    ]
    names = {"gold_label": ("neutral", "entailment"), "language": ("sw", "de")}
    source = write(tmp_path, "google/xtreme", "XNLI", "test", rows, **names)
    (pair,) = load_evaluation(source, TARGET_TASKS["xnli"], Part("test"), "de", None).examples
    assert (pair.second, pair.label) == ("c", 1)

    choices = {"label": list("ABCDE"), "text": list("vwxyz")}
    rows = [{"question": "?", "choices": choices, "answerKey": 0}]
    repo = "tau/commonsense_qa"
    source = write(tmp_path, repo, "default", "train", rows, answerKey=("D", "A"))
    assert labels_of(source, "csqa") == [3]


def test_the_same_labels_give_the_same_hash_and_others_another(tmp_path):
    def digest(numbers, names):
        source = write(tmp_path, GLUE, "mnli", "train", pairs(numbers), label=names)
        return load_training(source, TRAINING_SETS["mnli"], None).hash

    before = digest([0, 2], NLI_LABELS)
    assert digest([1, 0], ("contradiction", "entailment", "neutral")) == before
    assert digest([0, 2], ("contradiction", "entailment", "neutral")) != before


def test_a_readme_says_what_a_file_does_not(tmp_path):
    path = tmp_path / GLUE / "mnli" / "train.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(pairs([0, 1])), path)
    head = "---\ndataset_info:\n- config_name: mnli\n  features:\n  - name: label\n    dtype:\n"
    names = (
        "      class_label:\n        names:\n          '1': neutral\n          '0': contradiction"
    )
    (tmp_path / GLUE / "README.md").write_text(f"{head}{names}\n---\n")
    assert labels_of(DirectorySource(tmp_path)) == [2, 1]
