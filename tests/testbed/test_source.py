import itertools

import pytest

from stilts_repro.errors import MissingError
from stilts_repro.jsonio import content_hash
from stilts_repro.testbed import TestbedSource
from stilts_repro.testbed.languages import LANGUAGES

XTREME = "google/xtreme"
QA = {"id", "context", "question", "answers"}
# Every kind of config with the hub's columns and the full sizes of its splits.
CONFIGS = [
    ("nyu-mll/glue", "mnli", {"premise", "hypothesis", "label", "idx"}, "train validation_matched"),
    ("rajpurkar/squad", "plain_text", QA | {"title"}, "train validation"),
    ("rajpurkar/squad_v2", "squad_v2", QA | {"title"}, "train validation"),
    (
        "Rowan/hellaswag",
        "default",
        {"ind", "activity_label", "ctx_a", "ctx_b", "ctx", "endings"}
        | {"source_id", "split", "split_type", "label"},
        "train validation",
    ),
    (XTREME, "XNLI", {"language", "sentence1", "sentence2", "gold_label"}, "validation test"),
    (XTREME, "PAWS-X.en", {"sentence1", "sentence2", "label"}, "train validation test"),
    (XTREME, "PAWS-X.qad", {"sentence1", "sentence2", "label"}, "validation test"),
    (XTREME, "PAN-X.en", {"tokens", "ner_tags", "langs"}, "train validation test"),
    (XTREME, "PAN-X.qab", {"tokens", "ner_tags", "langs"}, "validation test"),
    (XTREME, "udpos.English", {"tokens", "pos_tags"}, "train validation test"),
    (XTREME, "udpos.Qae", {"tokens", "pos_tags"}, "validation test"),
    (XTREME, "XQuAD.qaf", QA, "validation test"),
    (XTREME, "MLQA.qag.qag", QA | {"title"}, "validation test"),
    (XTREME, "tydiqa", QA | {"title"}, "train validation test"),
    (
        XTREME,
        "tatoeba.qac",
        {"source_sentence", "target_sentence", "source_lang", "target_lang"},
        "validation test",
    ),
    (
        XTREME,
        "bucc18.qaa",
        {"source_sentence", "target_sentence", "source_lang", "target_lang"},
        "validation test",
    ),
    (XTREME, "bucc18.qaa", {"id", "sentence"}, "validation_unpaired test_unpaired"),
]
PAIR = {"premise", "hypothesis", "label"}
ROUNDS = " ".join(f"{part}_r{number}" for part in ("train", "dev") for number in (1, 2, 3))
INTERMEDIATE = [
    ("nyu-mll/glue", "qqp", {"question1", "question2", "label", "idx"}, "train validation"),
    ("facebook/anli", "plain_text", PAIR | {"uid", "reason"}, ROUNDS),
    ("stanfordnlp/snli", "plain_text", PAIR, "train validation test"),
    (
        "allenai/cosmos_qa",
        "default",
        {"id", "context", "question", "label", *(f"answer{index}" for index in range(4))},
        "train validation",
    ),
    (
        "tau/commonsense_qa",
        "default",
        {"id", "question", "question_concept", "choices", "answerKey"},
        "train validation",
    ),
    ("ldc/ccgbank", "default", {"tokens", "supertags"}, "train validation test"),
]


@pytest.fixture(scope="module")
def source():
    return TestbedSource()


@pytest.mark.parametrize(("repo", "config", "columns", "splits"), CONFIGS + INTERMEDIATE)
def test_rows_have_the_hubs_columns_and_prefixes_are_stable(source, repo, config, columns, splits):
    for split in splits.split():
        rows = source.load(repo, config, split, 20)
        assert all(set(row) == columns for row in rows)
        assert source.load(repo, config, split, 7) == rows[:7]
        assert TestbedSource(13).load(repo, config, split, 20) == rows


def test_rows_and_documents_never_change(source):
    """A golden hash: a change of generated data must be on purpose (the stored MLM knows it)."""
    rows, intermediate = (
        [
            source.load(repo, config, split, 8)
            for repo, config, _, splits in configs
            for split in splits.split()
        ]
        for configs in (CONFIGS, INTERMEDIATE)
    )
    documents = [list(itertools.islice(source.documents(code), 8)) for code in source.languages]
    others = [source.bilingual_documents(), source.mixed_documents()]
    documents += [list(itertools.islice(stream, 8)) for stream in others]
    assert content_hash(documents) == "0381e04574f12f1f"
    assert content_hash(rows) == "0cfa605659d9f17c"
    assert content_hash(intermediate) == "23cb91d7938aa4f8"


def test_another_seed_gives_another_world(source):
    other = TestbedSource(14)
    assert other.load("nyu-mll/glue", "mnli", "train", 5) != source.load(
        "nyu-mll/glue", "mnli", "train", 5
    )


def test_full_sizes(source):
    assert len(source.load(XTREME, "PAWS-X.en", "train")) == 20_000
    assert len(source.load(XTREME, "udpos.Qab", "test")) == 500
    assert len(source.load(XTREME, "tatoeba.qab", "test")) == 300
    assert len(source.load(XTREME, "tydiqa", "train")) == 8 * 400
    assert source.load(XTREME, "XNLI", "test", 0) == []
    for number, size in ((1, 2000), (2, 4000), (3, 8000)):
        assert len(source.load("facebook/anli", "plain_text", f"train_r{number}")) == size
        assert len(source.load("facebook/anli", "plain_text", f"dev_r{number}")) == 200
    assert len(source.load("tau/commonsense_qa", "default", "train")) == 10_000
    assert len(source.load("ldc/ccgbank", "default", "test")) == 500


@pytest.mark.parametrize(
    ("repo", "config", "split"),
    [
        ("nyu-mll/glue", "mnli", "test"),
        ("nyu-mll/glue", "rte", "train"),
        ("facebook/anli", "plain_text", "train"),
        ("facebook/anli", "plain_text", "test_r1"),
        (XTREME, "PAWS-X.qaa", "train"),
        (XTREME, "tatoeba.eng", "test"),
        (XTREME, "bucc18.qag", "test"),
        (XTREME, "tatoeba.qaa", "test_unpaired"),
        ("nobody/nothing", "default", "train"),
    ],
)
def test_unknown_data_is_named(source, repo, config, split):
    with pytest.raises(MissingError, match=f"{repo}.*{config}.*{split}"):
        source.load(repo, config, split)


def test_interleaved_configs_have_all_languages_in_every_prefix(source):
    xnli = source.load(XTREME, "XNLI", "test", 32)
    assert [row["language"] for row in xnli[:8]] == list(source.languages)
    for start in range(0, 32, 8):
        assert len({row["gold_label"] for row in xnli[start : start + 8]}) == 1
    tydiqa = source.load(XTREME, "tydiqa", "train", 16)
    names = [language.name.lower() for language in LANGUAGES.values()]
    assert [row["id"] for row in tydiqa[8:]] == [f"{name}-train-1" for name in names]


def test_parallel_configs_share_meanings_and_the_others_do_not(source):
    for config in ("PAWS-X.{0}", "XQuAD.{0}", "MLQA.{0}.{0}"):
        english, *others = (
            source.load(XTREME, config.format(code), "test", 40) for code in source.languages
        )
        for rows in others:
            for row, original in zip(rows, english, strict=True):
                assert row.get("id") == original.get("id")
                assert row.get("label") == original.get("label")
                assert row.get("title") == original.get("title")
                text, other = str(row), str(original)
                assert text != other
    lengths = [
        [len(row["tokens"]) for row in source.load(XTREME, config, "test", 40)]
        for config in ("PAN-X.qaa", "PAN-X.qac")
    ]
    assert lengths[0] != lengths[1]


def test_retrieval_sets_have_no_sentence_twice(source):
    for split in ("validation", "test"):
        for code in source.languages[1:]:
            rows = source.load(XTREME, f"tatoeba.{code}", split)
            for side in ("source_sentence", "target_sentence"):
                assert len({row[side] for row in rows}) == len(rows) == 300


def test_bucc_sentences_and_identifiers_are_unique(source):
    gold = source.load(XTREME, "bucc18.qab", "test")
    alone = source.load(XTREME, "bucc18.qab", "test_unpaired")
    for code, side in (("qab", "source"), ("en", "target")):
        mine = [row for row in alone if row["id"].startswith(code)]
        assert (len(gold), len(mine)) == (200, 400)
        sentences = {row[f"{side}_sentence"] for row in gold} | {row["sentence"] for row in mine}
        identifiers = {row[f"{side}_lang"] for row in gold} | {row["id"] for row in mine}
        assert len(sentences) == len(identifiers) == 600
        assert identifiers == {f"{code}-{number:09d}" for number in range(1, 601)}
