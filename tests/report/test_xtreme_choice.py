"""Which model an export holds: the best on dev of what was run, the baseline only if alone."""

import pytest

from stilts_repro.errors import InputError
from stilts_repro.experiments.store import Store, predictions_file
from stilts_repro.jsonio import write_json
from stilts_repro.report.xtreme import choose_entries


def records_of(scores, seed=0):
    """Records by (intermediate, task): (dev, test)."""
    return [
        {
            "hash": f"{row}-{task}-{part}-{seed}",
            "intermediate": row,
            "task": task,
            "part": part,
            "seed": seed,
            "job": row,
            "score": score,
        }
        for (row, task), both in scores.items()
        for part, score in zip(("dev", "test"), both, strict=True)
    ]


def stored(tmp_path, records):
    store = Store(tmp_path)
    store.prepare()
    for job in {record["job"]: None for record in records}:
        with store.working(job) as folder:
            own = [record for record in records if record["job"] == job]
            (folder / "predictions").mkdir()
            for record in own:
                store.add_record(folder, record)
                write_json(predictions_file(folder, record), {"en": [job]})
            write_json(folder / "result.json", {"records": [record["hash"] for record in own]})
    return store


def condition(baseline="none", world="", control=False):
    return {"baseline": baseline, "world": world, "control": control}


def result_of(records):
    """What a choice reads of claims.json."""
    conditions = {
        **dict.fromkeys(("none", "mnli", "ccg"), condition()),
        "ccg+shuffled": condition(control=True),
        "ccg+small": condition("none+small", "small"),
    }
    hashes = [record["hash"] for record in records]
    return {"claims": [{"records": hashes}], "conditions": conditions}


def test_the_dev_score_chooses_and_the_baseline_is_no_candidate(tmp_path):
    records = records_of(
        {
            ("none", "xnli"): (90, 90),
            ("mnli", "xnli"): (50, 10),
            ("ccg", "xnli"): (40, 80),
            ("mnli", "udpos"): (1, 1),
            ("ccg", "udpos"): (1, 2),
            ("none", "panx"): (3, 3),
            ("ccg+shuffled", "xnli"): (99, 99),
            ("ccg+small", "xnli"): (99, 99),
        }
    )
    records = [*records_of({("ccg", "xnli"): (99, 99)}, seed=1), *records]
    chosen = choose_entries(result_of(records), 0, stored(tmp_path, records))
    assert {task: entry.record["intermediate"] for task, entry in chosen.items()} == {
        "xnli": "mnli",
        "udpos": "mnli",  # the first of equals
        "panx": "none",  # nothing else was run
    }
    assert chosen["xnli"].predictions == {"en": ["mnli"]}
    assert chosen["xnli"].record["score"] == 10


def test_predictions_that_are_not_what_was_written_are_named(tmp_path):
    records = records_of({("mnli", "xnli"): (50, 50)})
    store = stored(tmp_path, records)
    (store.folder("mnli") / "predictions" / "xnli.test.json").unlink()
    with pytest.raises(InputError, match=r"xnli\.test\.json: No such file"):
        choose_entries(result_of(records), 0, store)
