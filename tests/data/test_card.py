"""A README's head: configurations as `datasets` allows them, and the names of classes."""

from pathlib import Path

import pytest

from stilts_repro.data.card import Card, read_card
from stilts_repro.data.hub import HubSource
from stilts_repro.data.source import DirectorySource

HEAD = """---
configs:
- config_name: {name}
{files}
- config_name: whole
  default: true
  data_files:
  - split: train
    path: whole/train.parquet
---
"""


def write(folder: Path, head: str) -> Path:
    path = folder / "some" / "set" / "README.md"
    path.parent.mkdir(parents=True)
    path.write_text(head, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["2018", "no", "yes", "null", "~", "1e3", "2018-01-01", "0x1f"])
def test_a_name_is_read_as_it_is_written(tmp_path, name):
    files = "  data_files:\n  - split: no\n    path: a.parquet"
    card = read_card(write(tmp_path, HEAD.format(name=name, files=files)))
    assert card.splits == {name: frozenset({"no"}), "whole": frozenset({"train"})}


@pytest.mark.parametrize(
    ("files", "splits"),
    [
        ("  data_files: a/*.parquet", None),
        ("  data_files:\n  - a/split.parquet\n  - b.parquet", None),
        ("  data_files:\n  - path: a/*.parquet", None),
        ("  data_dir: a", None),
        ("  description: nothing", None),
        ("  data_files:\n    train: a.parquet\n    test: [b.parquet]", {"train", "test"}),
        ("  data_files:\n  - split: train\n    path:\n    - a\n    - b", {"train"}),
    ],
)
def test_both_sources_read_files_as_datasets_allows_them(tmp_path, files, splits):
    write(tmp_path, HEAD.format(name="extra", files=files))
    directory, hub = DirectorySource(tmp_path), HubSource(prefix=f"{tmp_path}/")
    told = {("extra", split) for split in ({""} if splits is None else splits)}
    assert directory.declared("some/set") == told | {("whole", "train")}
    assert hub.has("some/set", "whole", "train") and not hub.has("some/set", "whole", "test")
    if splits:
        assert hub.has("some/set", "extra", "train") and not hub.has("some/set", "extra", "more")


def test_names_of_classes_are_listed_by_number(tmp_path):
    card = read_card(
        write(
            tmp_path,
            """\ufeff---
dataset_info:
- config_name: pairs
  features:
  - name: text
    dtype: string
  - name: label
    dtype: &label
      class_label:
        names:
          '10': k
          '2': c
          1: no
          '0': a
- config_name: tags
  features:
  - name: tags
    sequence: *label
  - name: new
    list:
      class_label:
        names: [x, y]
  - name: answers
    sequence:
    - name: text
      dtype: string
---
""",
        )
    )
    assert card.splits == {}
    assert card.classes == {
        "pairs": {"label": ("a", "no", "c", "k")},
        "tags": {"tags": ("a", "no", "c", "k"), "new": ("x", "y")},
    }


def test_one_configuration_may_stand_alone(tmp_path):
    told = "---\ndataset_info:\n  features:\n  - name: a\n    dtype:\n      class_label:\n"
    card = read_card(write(tmp_path, told + "        names:\n          '0': x\n---\n"))
    assert card == Card({}, {"default": {"a": ("x",)}})
