"""Kills, flipped bits and nonsense, a few times in the suite and often in `tox -e soak`."""

import json
import os
import random
import shutil
import signal
import string

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reproduce.catalogue import all_claims
from stilts_repro.cli import compare, doctor, reproduce
from stilts_repro.cli import store as store_command
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.experiments.store import Store
from stilts_repro.run.execution import run_claims
from tests.mirrors import build
from tests.run.test_run_options import run_request
from tests.run.test_surviving import NAMES, narrowed, start

FORESEEN = (0, 1, 2, 3)  # 4 is a fault of this package


@pytest.fixture(scope="module")
def whole(tiny_model, tmp_path_factory):
    """The folder of a run that nobody disturbed, and what it found."""
    output = tmp_path_factory.mktemp("soak") / "out"
    result = run_claims(narrowed(run_request(tiny_model, output, NAMES)))
    (output / "claims.json").write_text(json.dumps(result))
    return output, result


def values(result):
    return [(c["id"], c["observed"], c["records"]) for c in result["claims"]], result["grid"]


def stamps(output):
    """The finished jobs, each with what tells it from one that was done again."""
    return {
        path.parent.name: path.stat().st_ino for path in output.glob("jobs/[!.]*/manifest.json")
    }


def test_no_kill_loses_a_finished_job_or_has_it_done_again(whole, tiny_model, tmp_path, times):
    _, expected = whole
    rng, kills, rounds = random.Random(5), 0, times(2, 100)
    output = tmp_path / "0"
    while kills < rounds:
        before = stamps(output)
        if len(before) == expected["jobs"]["total"]:
            output = tmp_path / str(kills)
            before = {}
        run = start(tmp_path / "run.py", tiny_model, output)
        try:
            run.communicate(timeout=rng.uniform(3.0, 12.0))
        except Exception:
            os.killpg(run.pid, signal.SIGKILL)
            run.communicate()
            kills += 1
        assert before.items() <= stamps(output).items()
    found = run_claims(narrowed(run_request(tiny_model, output, NAMES)))
    assert values(found) == values(expected)
    left = [*output.glob("jobs/.*"), *(output / "leases").iterdir(), *output.rglob("*.tmp")]
    assert left == []


def test_every_flipped_bit_is_found_before_use(whole, tmp_path, times, capsys):
    output = shutil.copytree(whole[0], tmp_path / "out")
    store, rng = Store(output), random.Random(6)
    files = sorted(p for kind in ("jobs", "records") for p in (output / kind).rglob("*.*"))
    files = [path for path in files if path.is_file()]
    for _ in range(times(30, 200)):
        path = rng.choice(files)
        data = path.read_bytes()
        place = rng.randrange(len(data))
        spoilt = bytearray(data)
        spoilt[place] ^= 1 << rng.randrange(8)
        path.write_bytes(spoilt)
        complaints = [complaint for job in store.finished() if (complaint := store.damage(job))]
        assert len(complaints) == 1 and complaints[0].startswith(f"{path}: "), (path, place)
        path.write_bytes(data)
    assert store_command.main(["verify", str(output)]) == 0


def nonsense(rng, length=12):
    return "".join(
        rng.choice(string.printable + "äßж中\u202e") for _ in range(rng.randrange(length))
    )


def foreseen(status, captured):
    assert status in FORESEEN, captured.err
    assert "Traceback" not in captured.err and "fault of stilts_repro" not in captured.err
    return status


def test_no_words_of_a_command_are_a_fault(monkeypatch, capsys, times, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproduce, "check_claims", lambda *_: 0)
    monkeypatch.setattr(reproduce, "print_plan", lambda *_: None)
    rng = random.Random(7)
    options = [o for a in reproduce.parser()._actions for o in a.option_strings if o != "--help"]
    words = [*options, *all_claims(), "smoke", "testbed", "hub", "0", "-1", "1e9", "squad_v2,mnli"]
    for _ in range(times(60, 1000)):
        line = [
            rng.choice(words) if rng.random() < 0.8 else nonsense(rng)
            for _ in range(rng.randrange(7))
        ]
        try:
            status = reproduce.main(all_claims().values(), line)
        except SystemExit as leaving:
            status = leaving.code
        captured = capsys.readouterr()
        if foreseen(status, captured) in (2, 3):
            assert captured.err.count("\n") == 1, line


def odd(rng):
    """A value that a row or a JSON file might hold instead of what belongs there."""
    plain = (None, True, -1, 2**40, 0.5, float("inf"), "", " ", "\u0000", nonsense(rng, 300))
    nested = ([], {}, ["a"], [1], {"text": [""], "answer_start": [-1]}, {"a": None})
    return rng.choice([*plain, *nested])


def spoil_json(rng, value):
    """Replace, drop or add something, somewhere in `value`."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice([*value])
        if rng.random() < 0.2:
            return {k: v for k, v in value.items() if k != key}
        return value | {key: spoil_json(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        return [*value[:place], spoil_json(rng, value[place]), *value[place + 1 :]]
    return odd(rng)


def spoil_bytes(rng, data):
    if rng.random() < 0.3:
        return data[: rng.randrange(len(data) + 1)]
    spoilt = bytearray(data)
    for _ in range(rng.randrange(1, 20)):
        spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
    return bytes(spoilt)


def test_no_content_of_a_run_folder_is_a_fault(whole, tmp_path, capsys, times, tiny_model):
    """Whatever is spoilt, a run on the folder finds what it found before."""
    original, expected = whole
    rng = random.Random(8)
    for number in range(times(2, 60)):
        output = shutil.copytree(original, tmp_path / str(number))
        files = sorted(path for path in output.rglob("*.json"))
        for path in rng.sample(files, 3):
            data = path.read_bytes()
            if rng.random() < 0.5:
                data = json.dumps(spoil_json(rng, json.loads(data))).encode()
            else:
                data = spoil_bytes(rng, data)
            path.write_bytes(data)
        for command in (
            lambda: compare.main([str(original), str(output)]),  # noqa: B023
            lambda: store_command.main(["ls", str(output)]),  # noqa: B023
            lambda: store_command.main(["verify", str(output)]),  # noqa: B023
            lambda: store_command.main(["gc", "--others", str(output)]),  # noqa: B023
        ):
            foreseen(command(), capsys.readouterr())
        if number % 4 == 0:
            found = run_claims(narrowed(run_request(tiny_model, output, NAMES)))
            assert values(found) == values(expected)
        shutil.rmtree(output)


def test_no_rows_are_a_fault(tmp_path, capsys, times):
    root = build(tmp_path / "mirror")
    rng, files = random.Random(9), sorted(root.rglob("*.parquet")) + sorted(root.rglob("*.md"))
    for _ in range(times(8, 200)):
        path = rng.choice(files)
        data = path.read_bytes()
        if path.suffix == ".md" or rng.random() < 0.4:
            path.write_bytes(spoil_bytes(rng, data))
        else:
            rows = pq.read_table(path).to_pylist()
            row = rng.randrange(len(rows))
            rows[row] = spoil_json(rng, rows[row])
            try:
                pq.write_table(pa.Table.from_pylist(rows), path)
            except (pa.ArrowException, AttributeError, OverflowError, TypeError):  # no rows
                continue
        inventory_of.cache_clear()
        arguments = ["--scale", "smoke", "--data", str(root)]
        foreseen(doctor.main(all_claims().values(), arguments), capsys.readouterr())
        path.write_bytes(data)
