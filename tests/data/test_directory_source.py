import os
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stilts_repro.data.source import CachedSource, DirectorySource
from stilts_repro.errors import InputError, MissingError

ROWS = [
    {"id": f"q{i}", "answers": {"text": ["a"], "answer_start": [i]}, "label": i} for i in range(5)
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "google/xtreme/XQuAD.de/validation.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    return path


def load(root, **options):
    return DirectorySource(root).load("google/xtreme", "XQuAD.de", "validation", **options)


def test_rows_come_as_they_were_written(tmp_path, file):
    assert load(tmp_path) == load(tmp_path, limit=99) == ROWS
    assert load(tmp_path, limit=2) == [ROWS[0], ROWS[2]]
    assert load(tmp_path, limit=0) == []


def test_only_what_is_there_is_there(tmp_path, file):
    source = DirectorySource(tmp_path)
    assert source.has("google/xtreme", "XQuAD.de", "validation")
    assert not source.has("google/xtreme", "XQuAD.de", "test")
    assert not source.has("google/xtreme", "XQuAD.fr", "validation")


def test_an_absent_split_is_missing(tmp_path, file):
    with pytest.raises(MissingError) as caught:
        DirectorySource(tmp_path).load("google/xtreme", "XQuAD.de", "test")
    assert str(caught.value).startswith(f"{file.with_name('test.parquet')}: no such file")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 10, 200, -1])
def test_a_broken_file_is_named(tmp_path, file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    assert re.fullmatch(
        rf"{re.escape(str(file))}: not a readable parquet file \(.+\); .*", str(caught.value)
    )


def test_text_that_is_not_utf8_is_named(tmp_path, file):
    text = pa.array([b"ok", b"\xff\xfe"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"id": text}), file)
    with pytest.raises(InputError, match=rf"^{re.escape(str(file))}: text that is not UTF-8"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_the_root_must_be_a_directory(tmp_path, name):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=rf"^--data {tmp_path / name}: no such directory; .*$"):
        DirectorySource(tmp_path / name)


def test_a_cached_source_reads_a_split_once(tmp_path, file):
    source = CachedSource(DirectorySource(tmp_path))
    first = source.load("google/xtreme", "XQuAD.de", "validation", 3)
    file.unlink()
    assert source.load("google/xtreme", "XQuAD.de", "validation", 3) == first
    assert first == [ROWS[0], ROWS[1], ROWS[3]]
    with pytest.raises(MissingError):
        source.load("google/xtreme", "XQuAD.de", "validation", 4)
    assert (source.name, source.languages) == ("directory", None)


@pytest.mark.parametrize(
    ("limit", "numbers"),
    [(None, "01234"), (0, ""), (1, "0"), (2, "02"), (3, "013"), (5, "01234"), (9, "01234")],
)
def test_a_limit_takes_rows_from_all_over_a_file_in_several_groups(tmp_path, file, limit, numbers):
    """One that is sorted by article would give questions on a few articles otherwise."""
    pq.write_table(pa.Table.from_pylist(ROWS), file, row_group_size=2)
    rows = load(tmp_path, limit=limit)
    assert [*rows.numbers] == [int(number) for number in numbers]
    assert rows == [ROWS[number] for number in rows.numbers]


def test_a_file_without_rows_is_empty(tmp_path, file):
    pq.write_table(pa.Table.from_pylist(ROWS).slice(0, 0), file)
    assert load(tmp_path) == load(tmp_path, limit=2) == []


CARD = """---
license: mit
configs:
- config_name: XQuAD.de
  data_files:
  - split: validation
    path: XQuAD.de/validation.parquet
  - split: test
    path: XQuAD.de/test.parquet
---
# Rows

---
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_readme_says_what_a_folder_holds(tmp_path, file, newline):
    from huggingface_hub import DatasetCard

    readme = tmp_path / "google" / "xtreme" / "README.md"
    source = DirectorySource(tmp_path)
    assert source.declared("google/xtreme") is None
    readme.write_bytes(CARD.replace("\n", newline).encode())
    expected = {("XQuAD.de", "validation"), ("XQuAD.de", "test")}
    assert source.declared("google/xtreme") == expected
    assert DatasetCard(CARD).data.configs[0]["config_name"] == "XQuAD.de"


@pytest.mark.parametrize("text", ["", "# Rows\n", "---\nlicense: mit\n---\n", "---\n---\n"])
def test_a_readme_may_say_nothing(tmp_path, file, text):
    (tmp_path / "google" / "xtreme" / "README.md").write_text(text)
    assert DirectorySource(tmp_path).declared("google/xtreme") is None


@pytest.mark.parametrize("head", ["configs: [", "configs: 3", "configs:\n- {}", "- configs"])
def test_a_readme_that_is_broken_is_named(tmp_path, file, head):
    readme = tmp_path / "google" / "xtreme" / "README.md"
    readme.write_text(f"---\n{head}\n---\n")
    with pytest.raises(InputError) as caught:
        DirectorySource(tmp_path).declared("google/xtreme")
    assert re.fullmatch(
        rf"{re.escape(str(readme))}: its head is not .*; mend it", str(caught.value)
    )


def test_a_folder_may_have_a_name_that_is_not_utf8(tmp_path, file):
    root = tmp_path / os.fsdecode(b"donn\xe9es")
    shutil.copytree(tmp_path / "google", root / "google")
    assert load(root) == ROWS


def test_a_folder_where_a_file_is_due_is_no_split(tmp_path, file):
    file.unlink()
    file.mkdir()
    assert not DirectorySource(tmp_path).has("google/xtreme", "XQuAD.de", "validation")
    with pytest.raises(InputError, match="not a readable parquet file"):
        load(tmp_path)
