"""What is asked of a machine for records must not fail on one that gives odd answers."""

import os
import subprocess

import pytest

from stilts_repro.experiments import environment
from stilts_repro.machine import Machine


@pytest.fixture(autouse=True)
def forget():
    yield
    environment.platform_name.cache_clear()


def script(folder, text):
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "git").chmod(0o755)
    return str(folder)


def git_state(monkeypatch, path):
    monkeypatch.setenv("PATH", path)
    return environment.git_state.__wrapped__()


def test_without_git_nothing_is_known(tmp_path, monkeypatch):
    assert git_state(monkeypatch, str(tmp_path)) is None


def test_a_git_that_refuses_says_nothing(tmp_path, monkeypatch):
    """As in a folder of another user ("dubious ownership")."""
    refuses = script(tmp_path / "bin", "echo fatal >&2; exit 128")
    assert git_state(monkeypatch, refuses) is None


def test_names_that_are_not_utf8_are_no_matter(tmp_path, monkeypatch):
    path = script(tmp_path / "bin", r"case $1 in rev-parse) echo abc;; *) printf ' M \351';; esac")
    assert git_state(monkeypatch, path) == {"commit": "abc", "dirty": True}


def test_git_may_go_between_two_questions(monkeypatch):
    def run(command, **_):
        if "status" in command:
            raise OSError("gone")
        return subprocess.CompletedProcess(command, 0, b"abc\n")

    monkeypatch.setattr(environment.subprocess, "run", run)
    assert environment.git_state.__wrapped__() is None


@pytest.mark.parametrize("content", [b"model name : \xe9\nflags : a b\n", b"\xff\xfe\0", b"", None])
def test_any_cpuinfo_will_do(tmp_path, monkeypatch, content):
    path = tmp_path / os.fsdecode(b"cpu\xe9")
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(environment, "CPUINFO", path)
    environment.platform_name.cache_clear()
    assert environment.platform_name(Machine())
