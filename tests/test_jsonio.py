"""JSON files: whole or absent whatever is in them, read or one line that says why not."""

import os
from pathlib import Path

import pytest

from stilts_repro.errors import InputError, MissingError
from stilts_repro.jsonio import content_hash, read_json, write_json, write_text
from stilts_repro.seeds import derive

NAME = os.fsdecode(b"donn\xe9es")


@pytest.mark.parametrize(
    "text",
    ["", "{", "9" * 5000, "[" * 100_000, b"\xff"],
    ids=lambda text: str(text[:8]),
)
def test_what_is_no_json_is_named(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as caught:
        read_json(path)
    assert str(caught.value).startswith(f"{path}: not valid JSON (")
    assert "\n" not in str(caught.value)


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path)
    with pytest.raises(MissingError, match="no such file"):
        read_json(tmp_path / "b.json")


def test_characters_of_two_halves_are_whole(tmp_path):
    (tmp_path / "a.json").write_text('"\\ud83d\\ude00"')
    assert read_json(tmp_path / "a.json") == "\U0001f600"


def test_names_that_are_not_utf8_come_back_as_they_were(tmp_path):
    write_json(tmp_path / "a.json", {NAME: [NAME, "é"]})
    assert read_json(tmp_path / "a.json") == {NAME: [NAME, "é"]}
    assert '"é"' in (tmp_path / "a.json").read_text(encoding="utf-8")  # whole UTF-8, readable
    assert content_hash(NAME) != content_hash("donnes")
    assert derive(0, NAME) != derive(0, "donnes")


def test_hashes_and_seeds_of_other_text_stay():
    assert content_hash(["é", 1]) == "ddfd6ac9292fe915"
    assert derive(0, "é") == 8518178516350123665


@pytest.mark.parametrize("at", ["write_bytes", "replace"])
def test_what_cannot_be_written_leaves_nothing(tmp_path, monkeypatch, at):
    write_text(tmp_path / "a", "before")
    real = Path.write_bytes

    def full(path, *rest, **options):
        if at == "write_bytes":
            real(path, b"ha")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, at, full)
    with pytest.raises(OSError, match="No space left"):
        write_text(tmp_path / "a", "half")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "before"
