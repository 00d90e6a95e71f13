import errno
import json
import os
from pathlib import Path

import pytest

from stilts_repro.errors import InputError
from stilts_repro.report.page import write_claims

SPOILS = {
    "no grid": (lambda r: r.pop("grid"), "$: 'grid' is a required"),
    "made-up verdict": (
        lambda r: r["claims"][0].update(verdict="close"),
        "$.claims[0].verdict: 'close' is not",
    ),
    "direction in the verdict's words": (
        lambda r: r["claims"][0].update(direction="pass"),
        "$.claims[0].direction",
    ),
    "unknown key": (lambda r: r["claims"][0].update(extra=1), "$.claims[0]: Additional"),
    "not a number": (
        lambda r: r["claims"][0]["observed"].update(value=float("nan")),
        "$.claims[0].observed.value: is not a finite",
    ),
    "share for points": (lambda r: r["grid"][3].update(score=101), "$.grid[3].score: 101 is"),
    "unknown part": (lambda r: r["grid"][3].update(part="train"), "$.grid[3].part: 'train'"),
}


def test_three_files_are_written(tmp_path, result):
    write_claims(tmp_path / "new" / "folder", result)
    output = tmp_path / "new" / "folder"
    assert json.loads((output / "claims.json").read_text()) == result
    assert {p.name for p in output.iterdir()} == {"claims.json", "claims.md", "report.html"}


@pytest.mark.parametrize("spoil", SPOILS)
def test_result_that_breaks_the_schema_is_refused(tmp_path, result, spoil):
    change, message = SPOILS[spoil]
    change(result)
    with pytest.raises(InputError) as caught:
        write_claims(tmp_path, result)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_folder_that_cannot_be_written_is_one_line(tmp_path, result):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/inside: cannot be written"):
        write_claims(tmp_path / "file" / "inside", result)


def test_names_that_are_not_utf8_are_written_and_read_again(tmp_path, result):
    result["data"] = os.fsdecode(b"donn\xe9es")
    write_claims(tmp_path, result)
    assert json.loads((tmp_path / "claims.json").read_text(encoding="utf-8")) == result
    for name in ("claims.md", "report.html"):
        assert "udce9es" in (tmp_path / name).read_text(encoding="utf-8")


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path, result, monkeypatch):
    def full(path, data):
        with path.open("wb") as file:
            file.write(data[:9])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left on device: '--output "):
        write_claims(tmp_path, result)
    assert list(tmp_path.iterdir()) == []
