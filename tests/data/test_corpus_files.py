import gzip
import re

import pytest

from stilts_repro.data.corpus import corpus_files, read_lines
from stilts_repro.errors import InputError, MissingError


def test_plain_and_packed_files_are_found_by_language(tmp_path):
    (tmp_path / "de.txt").write_text("eins\n\n  zwei  \r\n \ndrei", encoding="utf-8")
    with gzip.open(tmp_path / "zh.txt.gz", "wt", encoding="utf-8") as file:
        file.write("北京\n\n上海\n")
    (tmp_path / "README.md").write_text("not a language")
    files = corpus_files(tmp_path)
    assert list(files) == ["de", "zh"]
    assert list(read_lines(files["de"])) == ["eins", "zwei", "drei"]
    assert list(read_lines(files["zh"])) == ["北京", "上海"]


def test_a_folder_without_text_is_missing(tmp_path):
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(MissingError, match=rf"^--corpus {re.escape(str(tmp_path))}: no <language>"):
        corpus_files(tmp_path)


def test_a_folder_that_is_not_there_is_bad_input(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such directory"):
        corpus_files(tmp_path / "nowhere")


def test_text_that_is_not_utf8_is_named(tmp_path):
    path = tmp_path / "de.txt"
    path.write_bytes("gut\nschön\n".encode("latin-1"))
    with pytest.raises(InputError, match=rf"^{re.escape(str(path))}: text that is not UTF-8"):
        list(read_lines(path))


@pytest.mark.parametrize("spoil", ["truncate", "plain", "flip"])
def test_a_broken_archive_is_named(tmp_path, spoil):
    path = tmp_path / "de.txt.gz"
    packed = bytearray(gzip.compress("\n".join(str(i**3) for i in range(999)).encode()))
    if spoil == "flip":
        packed[20:60] = b"\xff" * 40
    path.write_bytes({"truncate": packed[:-100], "plain": b"not gzip", "flip": packed}[spoil])
    with pytest.raises(InputError) as caught:
        list(read_lines(path))
    assert str(caught.value).startswith(f"{path}: not a readable text file (")
    assert "\n" not in str(caught.value)


def test_real_corpus_files_are_read(real_data):
    files = corpus_files(real_data / "corpus")
    assert {"en", "zh", "sw"} <= set(files)
    lines = list(read_lines(files["sw"]))
    assert len(lines) > 100
    assert all(line == line.strip() != "" for line in lines)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (
            ("de.txt", "de.txt.gz"),
            "de.txt and de.txt.gz: give one file a language, called <language>.txt or",
        ),
        (("DE.txt", "de.txt"), "DE.txt and de.txt: give one file a language"),
        (("news.de.txt", "news.en.txt"), "news.de.txt and news.en.txt: give one file a language"),
        (("de.1.txt.gz",), "de.1.txt.gz: give one file a language, called <language>.txt or <lang"),
        (("de..txt",), "de..txt: give one file a language"),
    ],
)
def test_no_file_is_passed_over(tmp_path, names, says):
    for name in names:
        (tmp_path / name).write_bytes(b"Satz\n")
    with pytest.raises(InputError) as caught:
        corpus_files(tmp_path)
    assert str(caught.value).startswith(f"--corpus {tmp_path}: {says}")
    assert "\n" not in str(caught.value)


def test_hidden_files_and_other_kinds_are_no_text(tmp_path):
    (tmp_path / "sw.TXT").write_text("moja\n")
    for name in ("._sw.txt", ".txt", "notes.md", "sw.txt~", "a.b.json"):
        (tmp_path / name).write_text("x\n")
    assert corpus_files(tmp_path) == {"sw": tmp_path / "sw.TXT"}


def test_byte_order_marks_are_no_text(tmp_path):
    path = tmp_path / "de.txt"
    path.write_text("\ufeffeins\nzw\ufeffei\n\ufeff\n\ufeffdrei \n", encoding="utf-8")
    assert list(read_lines(path)) == ["eins", "zw\ufeffei", "drei"]


def test_languages_without_text_are_left_out(tmp_path):
    for name, text in (("de", "eins\n"), ("en", ""), ("fr", "\n \ufeff\n")):
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    assert list(corpus_files(tmp_path)) == ["de"]
    (tmp_path / "de.txt").write_text("\n")
    with pytest.raises(MissingError, match=r"^--corpus .*: its files are empty; give text$"):
        corpus_files(tmp_path)
