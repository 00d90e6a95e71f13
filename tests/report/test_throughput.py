"""The benchmarks' summary: what is read, what counts as moved, what is kept, what is refused."""

import copy
import json

import pytest

from stilts_repro import throughput
from stilts_repro.claims.schema import validate
from stilts_repro.errors import InputError, MissingError
from stilts_repro.report.throughput import (
    FOLDER,
    NO_MODEL,
    changes,
    entry,
    newest,
    read_results,
    write_entries,
)
from tests.rows import one_line

TOLD = {
    "datetime": "2026-11-21T10:00:00+00:00",
    "machine_info": {
        "hardware": "AMD EPYC 9004",
        "data": "real",
        "precision": "fp32",
        "threads": 1,
        "versions": {"torch": "2.13.0"},
    },
    "benchmarks": [
        {
            "name": "test_loop[mini-32]",
            "group": "training loop",
            "stats": {"median": 2.0, "iqr": 0.1, "rounds": 5},
            "extra_info": {
                "tokens_per_second": 8000.0,
                "model": "mini",
                "peer": "Trainer",
                "ratio": 3.0,
                "ratio_iqr": 0.03,
                "attention": "sdpa",
                "mfu": 0.5,
                "peak_memory": 1 << 20,
            },
        },
        {
            "name": "test_rows",
            "group": None,
            "stats": {"median": 1.0, "iqr": 0.02, "rounds": 5},
            "extra_info": {"rows_per_second": 500},
        },
    ],
}


@pytest.fixture
def saved(tmp_path):
    """Return a function that saves results, changed by another function, and gives their path."""

    def save(change=lambda told: None):
        told = copy.deepcopy(TOLD)
        change(told)
        path = tmp_path / "results.json"
        path.write_text(json.dumps(told))
        return path

    return save


def test_what_a_benchmark_says_is_read(saved):
    results = read_results(saved())
    loop, rows = results.benchmarks
    assert (results.hardware, results.date, results.models) == (
        "AMD EPYC 9004",
        "2026-11-21",
        ("mini", NO_MODEL),
    )
    assert (loop.unit, loop.rate.value, loop.ratio.value, loop.mfu) == ("tokens", 8000.0, 3.0, 0.5)
    assert loop.rate.noise == pytest.approx(0.05)
    assert (rows.unit, rows.group, rows.ratio) == ("rows", "other", None)


def test_the_noise_that_a_benchmark_says_stands_for_that_of_the_wall_clock(saved):
    def change(told):
        told["benchmarks"][1]["extra_info"]["noise"] = 0.25

    assert read_results(saved(change)).benchmarks[1].rate.iqr == 125.0


def test_an_entry_fits_the_schema_and_is_found_again(saved, tmp_path):
    results, folder = read_results(saved()), tmp_path / "history"
    paths = write_entries(results, folder)
    assert [path.name for path in paths] == [
        "mini_amd-epyc-9004_2026-11-21.json",
        "no-model_amd-epyc-9004_2026-11-21.json",
    ]
    before = newest(results, "mini", folder)
    assert before["benchmarks"]["test_loop[mini-32]"]["rate"] == {"value": 8000.0, "iqr": 400.0}
    assert before["benchmarks"]["test_loop[mini-32]"]["attention"] == "sdpa"
    assert changes(results, before) == []


def of_day(day, **machine):
    def change(told):
        told["datetime"] = day
        told["machine_info"] |= machine

    return change


def test_the_newest_entry_of_the_same_hardware_and_rows_counts(saved, tmp_path):
    folder = tmp_path / "history"
    for day in ("2026-01-02", "2026-03-04", "2025-12-31"):
        write_entries(read_results(saved(of_day(day))), folder)
    write_entries(read_results(saved(of_day("2026-09-09", hardware="NVIDIA H100"))), folder)
    write_entries(read_results(saved(of_day("2026-08-08", data="testbed"))), folder)
    results = read_results(saved())
    assert newest(results, "mini", folder)["date"] == "2026-03-04"
    assert newest(results, "xlm-roberta-large", folder) is None


def only_rows(told):
    """Make the results those of a run of one benchmark, another one."""
    del told["benchmarks"][0]
    told["benchmarks"][0]["name"] = "test_more_rows"


def faster(told):
    told["benchmarks"][1]["extra_info"]["rows_per_second"] = 700


def test_a_run_of_a_few_benchmarks_keeps_the_days_others(saved, tmp_path):
    folder = tmp_path / "history"

    def kept(change):
        path = write_entries(read_results(saved(change)), folder)[-1]
        told = json.loads(path.read_text(encoding="utf-8"))
        return {name: held["rate"]["value"] for name, held in told["benchmarks"].items()}

    assert kept(lambda told: None) == {"test_rows": 500}
    assert kept(only_rows) == {"test_rows": 500, "test_more_rows": 500}
    assert kept(faster) == {"test_rows": 700, "test_more_rows": 500}
    assert len([*folder.iterdir()]) == 2


@pytest.mark.parametrize(
    "machine", [{"versions": {"torch": "2.14.0"}}, {"threads": 2}, {"data": "testbed"}]
)
def test_an_entry_of_the_day_that_was_made_otherwise_is_replaced(saved, tmp_path, machine):
    folder = tmp_path / "history"
    write_entries(read_results(saved()), folder)

    def change(told):
        only_rows(told)
        told["machine_info"] |= machine

    (path,) = write_entries(read_results(saved(change)), folder)
    told = json.loads(path.read_text(encoding="utf-8"))
    assert [*told["benchmarks"]] == ["test_more_rows"]


def test_only_what_moves_by_more_than_its_noise_is_told(saved):
    before = entry(read_results(saved()), "mini")

    def ratio(value, iqr):
        def change(told):
            told["benchmarks"][0]["extra_info"] |= {"ratio": value, "ratio_iqr": iqr}

        return changes(read_results(saved(change)), before)

    (moved,) = ratio(2.4, 0.03)
    assert moved.change == pytest.approx(-0.2)
    assert moved.what == "times as fast as Trainer"
    assert ratio(2.4, 0.6) == []  # lost in noise
    assert ratio(3.1, 0.0) == []  # too small to tell


def test_without_a_common_peer_the_rates_are_compared(saved):
    before = entry(read_results(saved()), "mini")

    def change(told):
        told["benchmarks"][0]["extra_info"] |= {"peer": "another", "tokens_per_second": 16000.0}

    (moved,) = changes(read_results(saved(change)), before)
    assert (moved.what, moved.old, moved.new) == ("tokens/s", 8000.0, 16000.0)


def test_a_rate_of_another_unit_is_not_compared(saved):
    before = entry(read_results(saved()), NO_MODEL)

    def change(told):
        told["benchmarks"][1]["extra_info"] = {"tokens_per_second": 1.0}

    assert changes(read_results(saved(change)), before) == []


def test_the_command_prints_a_page_writes_and_tells_what_moved(saved, tmp_path, capsys):
    folder = tmp_path / "history"
    assert throughput.main([str(saved()), "--write", "--history", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "8,000 tokens" in printed and "3.00" in printed and "50 %" in printed
    assert "no earlier entry" in printed and "loop[mini-32]" in printed

    def slower(told):
        told["benchmarks"][0]["extra_info"]["ratio"] = 1.5

    assert throughput.main([str(saved(slower)), "--history", str(folder)]) == 0
    moved = next(line for line in capsys.readouterr().out.splitlines() if "-50 %" in line)
    assert "loop[mini-32]" in moved  # which rich would take for markup


def test_names_are_printed_as_they_are(saved, tmp_path, capsys):
    def change(told):
        told["machine_info"]["hardware"] = "cpu [/hw]"
        told["benchmarks"][0] |= {"name": "test_[/n]", "group": "[red]g"}
        told["benchmarks"][0]["extra_info"] |= {"model": "m[/b] :cat:", "peer": "[/p]"}

    assert throughput.main([str(saved(change)), "--history", str(tmp_path / "history")]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("cpu [/hw]", "[/n]", "[red]g", "m[/b] :cat:", "[/p]"))


def without_hardware(told):
    del told["machine_info"]["hardware"]


def with_a_word_for_a_rate(told):
    told["benchmarks"][1]["extra_info"]["rows_per_second"] = "fast"


def with_no_rate_at_all(told):
    told["benchmarks"][1]["extra_info"]["rows_per_second"] = 0


def with_no_statistics(told):
    told["benchmarks"][0]["stats"] = None


def says(key, value):
    return lambda told: told["benchmarks"][0]["extra_info"].update({key: value})


@pytest.mark.parametrize(
    "change",
    [
        *(without_hardware, with_a_word_for_a_rate, with_no_rate_at_all, with_no_statistics),
        *(says("mfu", value) for value in ("0.4", True, [], float("nan"), -1)),
        *(says("ratio", value) for value in ("3", 0, float("inf"))),
        *(says(key, "1") for key in ("peak_memory", "ratio_iqr", "tokens_per_second")),
    ],
)
def test_other_results_are_refused_in_one_line(saved, change):
    with pytest.raises(InputError) as error:
        read_results(saved(change))
    one_line(error, "results.json", "tox -e benchmark")


@pytest.mark.parametrize("text", ["[]", "3", "{", '{"machine_info": 1}'])
def test_a_file_of_something_else_exits_with_2(tmp_path, capsys, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    assert throughput.main([str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_that_is_not_there_exits_with_3(tmp_path, capsys):
    assert throughput.main([str(tmp_path / "none.json")]) == 3
    assert "none.json" in capsys.readouterr().err


def test_results_that_do_not_fit_the_schema_are_not_kept(saved, tmp_path):
    def change(told):
        told["machine_info"]["precision"] = "fp8"

    with pytest.raises(InputError) as error:
        write_entries(read_results(saved(change)), tmp_path / "history")
    one_line(error, "the entry of mini", "precision", "throughput.schema.json")
    assert not (tmp_path / "history").exists()


def test_a_broken_entry_of_the_history_is_named(saved, tmp_path):
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / "old.json").write_text('{"model": "mini"}')
    with pytest.raises(InputError) as error:
        newest(read_results(saved()), "mini", folder)
    one_line(error, "old.json")


def test_the_kept_history_fits_the_schema_and_names_no_machine():
    for path in FOLDER.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        validate(json.loads(text), "throughput", path)
        assert "/" not in json.loads(text)["hardware"]
        assert "home" not in text


def test_missing_is_not_bad_input():
    with pytest.raises(MissingError):
        read_results(FOLDER / "none.json")
