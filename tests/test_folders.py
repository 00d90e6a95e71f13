import errno
import os

import pytest
from safetensors import SafetensorError

from stilts_repro.errors import InputError, MissingError, reason, refusal
from stilts_repro.folders import check_name, expanded, writing


@pytest.mark.parametrize(
    ("name", "found"),
    [("~/x", "/home/me/x"), ("~", "/home/me"), ("a/~", "a/~"), ("./~/x", "./~/x"), ("x", "x")],
)
def test_a_tilde_is_the_home(monkeypatch, name, found):
    monkeypatch.setenv("HOME", "/home/me")
    assert expanded(name) == found


@pytest.mark.parametrize("home", ["", "relative"])
@pytest.mark.parametrize("name", ["~/x", "~"])
def test_a_home_that_is_none_is_refused(monkeypatch, home, name):
    monkeypatch.setenv("HOME", home)
    with pytest.raises(InputError, match=f"^{name}: no such home folder$"):
        expanded(name)


def test_so_is_that_of_nobody():
    with pytest.raises(InputError, match=r"^~nobody-at-all/x: no such home folder$"):
        expanded("~nobody-at-all/x")


def test_what_cannot_be_written_is_the_folder_that_the_option_names(tmp_path):
    with pytest.raises(InputError) as caught, writing("--output", tmp_path):
        (tmp_path / "a" / "b").write_text("")
    assert str(caught.value) == (
        f"--output {tmp_path}: cannot be written (No such file or directory); choose another folder"
    )


@pytest.mark.parametrize(
    "full",
    [
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        SafetensorError("Error while serializing: I/O error: x (os error 28)"),
    ],
)
def test_where_no_room_is_left_another_name_is_no_help(tmp_path, full):
    with (
        pytest.raises(OSError, match=r"exceeded|No space") as caught,
        writing("--output", tmp_path),
    ):
        raise full
    assert caught.value.filename == f"--output {tmp_path}"


def test_other_errors_pass(tmp_path):
    with pytest.raises(KeyError), writing("--output", tmp_path):
        raise KeyError
    error = MissingError("a model's weights do not load (No such file (os error 2))")
    assert refusal(error) is None
    with pytest.raises(MissingError), writing("--output", tmp_path):
        raise error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EIO, "Input/output error", "a"), "Input/output error"),
        (OSError("9000 requested and 3040 written"), "No space left on device"),  # numpy's
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n"), "ValueError"),
        (ValueError(), "ValueError"),
    ],
)
def test_a_reason_is_one_line(error, told):
    assert reason(error) == told


def test_models_do_not_lie_below_a_name_that_is_not_utf8():
    check_name("--output", "données/日本")
    with pytest.raises(InputError, match=r"^--output .*: its name is not UTF-8"):
        check_name("--output", os.fsdecode(b"donn\xe9es/out"))
