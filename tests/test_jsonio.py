"""JSON files from elsewhere: read, or one line that says why not."""

import pytest

from stilts_repro.errors import InputError, MissingError
from stilts_repro.jsonio import read_json


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
