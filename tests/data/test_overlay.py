"""A folder with what the hub lacks, and the hub behind it."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stilts_repro.data.hub import HubSource
from stilts_repro.data.overlay import OverlaySource
from stilts_repro.data.revisions import PINS
from stilts_repro.data.source import CachedSource, DirectorySource
from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments.sources import open_source
from stilts_repro.testbed import TestbedSource

LOCAL, BEHIND = [{"id": "local"}], [{"id": "behind"}, {"id": "further"}]


@pytest.fixture
def folders(tmp_path):
    """Two folders: the first has Cosmos QA and one of the second's splits."""
    for name, repo, split, rows in (
        ("first", "allenai/cosmos_qa/default", "train", LOCAL),
        ("first", "nyu-mll/glue/mnli", "train", LOCAL),
        ("second", "nyu-mll/glue/mnli", "train", BEHIND),
        ("second", "nyu-mll/glue/mnli", "validation_matched", BEHIND),
    ):
        path = tmp_path / name / repo / f"{split}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), path)
    return tmp_path / "first", tmp_path / "second"


def test_a_folder_comes_before_what_is_behind_it(folders):
    both = OverlaySource(*map(DirectorySource, folders))
    assert both.load("nyu-mll/glue", "mnli", "train") == LOCAL
    assert both.load("nyu-mll/glue", "mnli", "validation_matched") == BEHIND
    assert both.load("nyu-mll/glue", "mnli", "validation_matched", 1) == BEHIND[:1]
    assert both.has("allenai/cosmos_qa", "default", "train")
    assert both.has("nyu-mll/glue", "mnli", "validation_matched")
    assert not both.has("nyu-mll/glue", "mnli", "test")


def test_what_neither_has_is_missing_with_the_way_round(folders):
    both = OverlaySource(DirectorySource(folders[0]), HubSource())
    assert both.load("allenai/cosmos_qa", "default", "train") == LOCAL
    assert not both.has("allenai/cosmos_qa", "default", "validation")
    with pytest.raises(MissingError, match=r"stilts_repro\.convert cosmosqa"):
        both.load("allenai/cosmos_qa", "default", "validation")


def test_a_card_of_the_folder_does_not_speak_for_what_is_behind_it(folders):
    (folders[0] / "nyu-mll/glue/README.md").write_text(
        "---\nconfigs:\n- config_name: mnli\n  data_files:\n  - split: train\n    path: x\n---\n"
    )
    first, second = map(DirectorySource, folders)
    assert first.declared("nyu-mll/glue") == {("mnli", "train")}
    assert OverlaySource(first, second).declared("nyu-mll/glue") is None


def test_the_name_of_a_source_opens_it(tmp_path):
    folder, commit = f"hub+{tmp_path}", PINS["google/xtreme"].commit
    opened = {data: open_source(data) for data in ("testbed", "hub", folder, str(tmp_path))}
    kinds = (TestbedSource, HubSource, OverlaySource, DirectorySource)
    assert tuple(type(source) for source in opened.values()) == kinds
    assert opened[folder].name == "hub+directory" and opened[folder].languages is None
    where = ("google/xtreme", "XNLI", "test")
    revisions = [CachedSource(source).revision(*where) for source in opened.values()]
    assert revisions == [None, commit, commit, None]


def test_a_commit_is_that_of_the_rows_themselves(folders):
    """Rows of the folder are of no commit, whatever the hub pins for the same repository."""
    both = OverlaySource(DirectorySource(folders[0]), HubSource())
    assert both.revision("nyu-mll/glue", "mnli", "train") is None
    assert both.revision("nyu-mll/glue", "mnli", "test") == PINS["nyu-mll/glue"].commit


@pytest.mark.parametrize("data", ["hub+", "hub+nowhere", "nowhere"])
def test_a_name_that_opens_nothing_is_refused(data):
    with pytest.raises(InputError, match=r"^--data .*; give "):
        open_source(data)
