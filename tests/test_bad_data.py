"""Data that cannot be used: one line that says what and where, or the rest without it."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reproduce.catalogue import all_claims
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import MAIN
from stilts_repro.experiments.scales import SCALES
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.run import request
from stilts_repro.run.request import Request, plan_of
from tests.mirrors import SIZE, XTREME, build, say_it_holds, write


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return build(tmp_path_factory.mktemp("whole") / "mirror")


@pytest.fixture
def mirror(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "mirror")
    return tmp_path / "mirror"


@pytest.fixture
def plan(tiny_model, tmp_path):
    """Plan `squad_gain` on a folder: everything that happens before the first training."""

    def planned(mirror, *, skip_missing=False):
        asked = Request(
            claims=(all_claims()["squad_gain"],),
            scale=SCALES["smoke"],
            data=str(mirror),
            model=str(tiny_model),
            seeds=(0,),
            output=tmp_path / "out",
            skip_missing=skip_missing,
        )
        inventory_of.cache_clear()
        return plan_of(asked)

    return planned


def test_a_folder_that_is_not_there_is_told_before_a_model_is_asked_for(
    plan, tmp_path, monkeypatch
):
    def asked(model, length):
        raise AssertionError("the hub would be asked, for half a minute where there is none")

    monkeypatch.setattr(request, "check_pretrained", asked)
    with pytest.raises(InputError, match=r"--data .*absent: no such directory"):
        plan(tmp_path / "absent")


def rows_of(mirror, config, split, repo=XTREME):
    return pq.read_table(mirror / repo / config / f"{split}.parquet").to_pylist()


def respell(mirror, config, split, change, repo=XTREME):
    """Change one row of a split."""
    rows = rows_of(mirror, config, split, repo)
    rows[1] = change(rows[1])
    write(mirror, repo, config, split, rows)


def without(row, column):
    return {key: value for key, value in row.items() if key != column}


def no_language(mirror):
    rows = [r for r in rows_of(mirror, "XNLI", "test") if r["language"] != "sw"]
    write(mirror, XTREME, "XNLI", "test", rows)
    rows = [r for r in rows_of(mirror, "XNLI", "validation") if r["language"] != "sw"]
    write(mirror, XTREME, "XNLI", "validation", rows)


def no_config(mirror):
    shutil.rmtree(mirror / XTREME / "XQuAD.de")


def no_split(mirror):
    (mirror / XTREME / "MLQA.en.en" / "validation.parquet").unlink()


def no_readme(mirror):
    (mirror / XTREME / "README.md").unlink()


def no_column(mirror):
    rows = [without(row, "hypothesis") for row in rows_of(mirror, "mnli", "train", "nyu-mll/glue")]
    write(mirror, "nyu-mll/glue", "mnli", "train", rows)


def strange_label(mirror):
    respell(mirror, "PAWS-X.de", "test", lambda row: row | {"label": "2"})


def strange_tag(mirror):
    respell(mirror, "PAN-X.de", "test", lambda row: row | {"ner_tags": [9] * len(row["tokens"])})


def no_tags(mirror):
    respell(mirror, "udpos.German", "validation", lambda row: row | {"tokens": [], "pos_tags": []})


def twice(mirror):
    rows = rows_of(mirror, "XQuAD.en", "test")
    write(mirror, XTREME, "XQuAD.en", "test", [*rows, rows[0]])


def truncated(mirror):
    path = mirror / XTREME / "tatoeba.deu" / "validation.parquet"
    path.write_bytes(path.read_bytes()[:-200])


def not_utf8(mirror):
    path = mirror / XTREME / "bucc18.de" / "test.parquet"
    table = pq.read_table(path)
    spoiled = pa.array([b"\xff\xfe"] * len(table), pa.binary()).view(pa.string())
    pq.write_table(table.set_column(0, "source_sentence", spoiled), path)


def bad_readme(mirror):
    (mirror / XTREME / "README.md").write_text("---\nconfigs: [\n---\n")


# What is done to the folder, the target that it spoils, what the line says.
SPOILS = [
    (no_language, "xnli", "XNLI: google/xtreme lacks sw; add what is missing"),
    (no_config, "xquad", "XQuAD: google/xtreme lacks XQuAD.de/test, XQuAD.de/validation; add"),
    (no_split, "mlqa", "MLQA: google/xtreme lacks MLQA.en.en/validation; add what is missing"),
    (no_readme, "pawsx", "lacks PAWS-X.es, PAWS-X.fr, PAWS-X.ja and 2 more; add what is missing"),
    (no_column, "xnli", "nyu-mll/glue mnli/train row 0: no column 'hypothesis'"),
    (strange_label, "pawsx", "PAWS-X.de/test row 1: label '2' is none of 0, 1"),
    (strange_tag, "panx", "PAN-X.de/test row 1: label 9 is none of O, B-PER"),
    (no_tags, "udpos", "udpos.German/validation row 1: 0 words and 0 tags"),
    (twice, "xquad", "XQuAD.en/test: id 'xquad-test-0' comes twice; give each its own"),
    (truncated, "tatoeba", "tatoeba.deu/validation.parquet: not a readable parquet file"),
    (not_utf8, "bucc2018", "bucc18.de/test.parquet: text that is not UTF-8"),
    (bad_readme, "pawsx", "README.md: its head is not a data set's YAML"),
]


def inventory_in(planned):
    return planned.plan.grounds[MAIN].inventory


def test_the_folder_is_good(plan, whole):
    planned = plan(whole)
    assert planned.survey.left_out == planned.survey.without == {}
    assert len(inventory_in(planned).evaluation("xquad", "test")["de"]) == SIZE
    due = set(inventory_in(planned).due_languages("mlqa"))
    assert due - {*inventory_in(planned).evaluation("mlqa", "dev")} == {
        "ar",
        "es",
        "hi",
        "vi",
        "zh",
    }


@pytest.mark.parametrize(("spoil", "task", "says"), SPOILS, ids=lambda v: getattr(v, "__name__", v))
def test_what_is_wrong_is_said_in_one_line(plan, mirror, spoil, task, says):
    spoil(mirror)
    with pytest.raises(InputError) as caught:
        plan(mirror)
    line = str(caught.value)
    assert says in line and "\n" not in line
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(("spoil", "task", "says"), SPOILS, ids=lambda v: getattr(v, "__name__", v))
def test_the_rest_still_runs_where_the_user_says_so(plan, mirror, spoil, task, says):
    spoil(mirror)
    survey = plan(mirror, skip_missing=True).survey
    assert task in survey.left_out
    assert says in survey.left_out[task]
    if spoil not in (no_readme, bad_readme):  # these spoil every task
        assert set(survey.left_out) == {task}
        assert len(survey.targets) == 8


def test_a_training_set_that_is_spoiled_takes_its_targets_and_its_row_along(plan, mirror):
    respell(mirror, "tydiqa", "train", lambda row: row)  # harmless
    broken = {"answers": {"text": ["nowhere"], "answer_start": [0]}}
    respell(mirror, "plain_text", "train", lambda row: row | broken, repo="rajpurkar/squad")
    respell(mirror, "squad_v2", "train", lambda row: row | broken, repo="rajpurkar/squad_v2")
    planned = plan(mirror, skip_missing=True)
    assert set(planned.survey.left_out) == {"xquad", "mlqa"}
    assert set(planned.survey.without) == {"squad_v2"}
    assert planned.plan.jobs == {}  # a claim that cannot be measured costs nothing


def test_a_long_context_is_read_in_windows(plan, mirror):
    """No context is too long; only a question may be."""

    def lengthened(row):
        return row | {"context": row["context"] + " and so on" * 3000}

    respell(mirror, "XQuAD.de", "test", lengthened)
    assert plan(mirror).survey.left_out == {}


def test_a_readme_that_lists_more_is_believed(plan, mirror):
    (mirror / XTREME / "XQuAD.el").mkdir()
    write(mirror, XTREME, "XQuAD.el", "validation", rows_of(mirror, "XQuAD.de", "validation"))
    say_it_holds(mirror)
    assert "el" in inventory_in(plan(mirror)).evaluation("xquad", "dev")
