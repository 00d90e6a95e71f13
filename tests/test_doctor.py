"""`python -m reproduce doctor`: each gap is a line that says what to do, and the status is 3."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from reproduce.catalogue import all_claims
from stilts_repro.cli import doctor
from stilts_repro.cli.doctor import PACKAGE
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.machine import Machine
from stilts_repro.paper import TARGETS
from tests.mirrors import build


def looked(capsys, *arguments):
    status = doctor.main(all_claims().values(), [str(a) for a in arguments])
    captured = capsys.readouterr()
    assert captured.err == ""
    return status, captured.out.splitlines()


def states(lines):
    return [line.split()[0] for line in lines]


def test_the_testbed_needs_nothing_but_what_is_installed(capsys, tmp_path):
    status, lines = looked(
        capsys, "--scale", "smoke", "--data", "auto", "--output", tmp_path / "out"
    )
    assert status == 0 and "missing" not in states(lines)
    told = "\n".join(lines)
    assert re.search(r"^ok +Python: 3\.\d+\.\d+ \(>=3\.11\)$", told, re.M)
    assert re.search(r"^ok +device: .*, fp32, \d+ jobs at once$", told, re.M)
    assert re.search(r"^ok +room: .* GB free for .*, about 0\.1 GB needed a seed$", told, re.M)
    assert re.search(r"^ok +target XNLI: 8 languages$", told, re.M)
    assert sum(line.startswith("ok       target ") for line in lines) == len(TARGETS)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_some_of_the_data_names_it(capsys, tmp_path):
    root = build(tmp_path / "mirror")
    _, before = looked(capsys, "--scale", "smoke", "--data", root)
    for path in (root / "google/xtreme/XNLI", root / "rajpurkar/squad_v2"):
        for file in path.rglob("*.parquet"):
            file.unlink()
    inventory_of.cache_clear()
    status, lines = looked(capsys, "--scale", "smoke", "--data", root)
    assert status == 3
    gaps = [line for line in lines if line.startswith("missing") and line not in before]
    assert [re.match(r"missing +(.*?): ", gap)[1] for gap in gaps] == [
        "training rows SQuAD v2.0",
        "target XNLI",
    ]
    assert all(len(gap) > 60 for gap in gaps)


@pytest.mark.parametrize(
    ("arguments", "gap"),
    [
        (("--data", "/no/folder"), "missing  data: --data /no/folder: no such directory; "),
        (
            ("--model", "/no/model"),
            "missing  model /no/model: --model /no/model: no such ",
        ),
        (("--output", "/proc/1/out"), "missing  room: --output /proc/1/out: "),
    ],
)
def test_what_is_not_there_is_a_line_and_status_3(capsys, arguments, gap):
    status, lines = looked(capsys, "--scale", "smoke", *arguments)
    assert status == 3
    assert sum(line.startswith(gap) for line in lines) == 1
    assert states(lines).count("missing") == 1


def test_versions_are_held_against_what_is_needed_and_locked(monkeypatch):
    def version(name):
        return {"torch": "1.0", "rich": None}.get(name, real(name))

    real = doctor._version
    monkeypatch.setattr(doctor, "_version", version)
    needed = doctor.packages()
    assert needed.state == "missing"
    assert re.search(r"torch>=[\d.]+ \(1\.0\), rich>=14 \(not there\); install", needed.told)
    lock = doctor.locked()
    assert lock.state == "differs" and "torch 1.0 (locked: ==2.13.0)" in lock.told


def test_without_the_package_the_list_goes_on(monkeypatch):
    """As from a checkout that is only on Python's path."""
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == PACKAGE else real(name))
    assert doctor.python().state == "missing" and "pip install -e" in doctor.python().told
    assert doctor.packages().state == "ok"


def test_a_device_that_cannot_do_the_scale_is_missing(monkeypatch):
    monkeypatch.setenv("STILTS_THREADS", "none")
    found = doctor.device(doctor.SCALES["smoke"])
    assert found.state == "missing" and "STILTS_THREADS" in found.told
    monkeypatch.delenv("STILTS_THREADS")
    on_a_cpu = replace(Machine(), device="cpu")
    monkeypatch.setattr(doctor.Machine, "of", lambda **_: on_a_cpu)
    assert doctor.device(doctor.SCALES["paper"]).state == "missing"
    assert doctor.device(doctor.SCALES["smoke"]).state == "ok"


def test_too_little_room_is_missing(monkeypatch, tmp_path):
    full = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: full)
    world = doctor.World("", doctor.SCALES["smoke"].model, "testbed")
    found = doctor.room([*all_claims().values()], world, Path(tmp_path / "a" / "b"))
    assert found.state == "missing" and "0.0 GB free for" in found.told
