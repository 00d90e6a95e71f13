import copy

import pytest

from stilts_repro.claims.schema import validate
from stilts_repro.errors import InputError

RECORD = {
    "hash": "0011223344556677",
    "job": "8899aabbccddeeff",
    "task": "bucc",
    "task_version": 1,
    "part": "test",
    "split": "test",
    "intermediate": "mnli",
    "seed": 0,
    "metric": "f1",
    "score": 62.5,
    "n": 300,
    "languages": {
        "qaa": {
            "score": 62.5,
            "n": 300,
            "floor": 0.0,
            "largest_share": 0.01,
            "metrics": {"f1": 62.5, "precision": 70.0},
        }
    },
    "data": {"id": "bucc18.qaa", "revision": None, "content_hash": "ab12"},
    "model": {"id": "testbed-mlm", "revision": None, "hash": "1a2b3c4d"},
    "phase_two": {
        "job": "8899aabbccddeeff",
        "tasks": ["mnli"],
        "recipe": {"mnli": {"learning_rate": 1e-5, "epochs": 2}},
        "steps": 100,
        "tokens": 4321,
        "sampler": {"kind": "proportional", "weights": {"mnli": 1.0}},
    },
    "recipe": {},
    "versions": {"torch": "2.10.0"},
    "git": {"commit": "f00d", "dirty": False},
    "device": "cpu (x86_64)",
    "platform": "x86_64, a processor, AVX2",
    "precision": "fp32",
    "attention": "sdpa",
    "tokens": 123456,
    "seconds": {"tokenise": 0.1, "evaluate": 2.0},
    "peak_memory": {"host": 812.5, "device": None},
    "retrieval": {
        "layer": 2,
        "pooling": "mean",
        "max_length": 128,
        "scoring": "ratio margin",
        "k": 4,
        "threshold": {"qaa": 1.07},
        "threshold_source": "best F1 on dev",
    },
}
SPOILS = {
    "no seed": (lambda r: r.pop("seed"), "$: 'seed' is a required"),
    "no hash of the data": (lambda r: r["data"].pop("content_hash"), "$.data: 'content_hash'"),
    "share for points": (lambda r: r["languages"]["qaa"].update(score=101), "score: 101 is"),
    "no metrics": (lambda r: r["languages"]["qaa"].pop("metrics"), "$.languages.qaa: 'metrics'"),
    "source unsaid": (lambda r: r["retrieval"].pop("threshold_source"), "'threshold_source' is a"),
    "one threshold for all": (lambda r: r["retrieval"].update(threshold=1.0), "threshold: 1.0 is"),
    "unknown key": (lambda r: r["model"].update(size=3), "$.model: Additional"),
}


def test_record_fits_with_and_without_retrieval():
    validate(RECORD, "record", "a record")
    validate({key: RECORD[key] for key in RECORD if key != "retrieval"}, "record", "a record")


@pytest.mark.parametrize("spoil", SPOILS)
def test_record_that_leaves_something_unsaid_is_refused(spoil):
    change, message = SPOILS[spoil]
    record = copy.deepcopy(RECORD)
    change(record)
    with pytest.raises(InputError) as caught:
        validate(record, "record", "a record")
    assert message in str(caught.value) and str(caught.value).startswith("a record: $")
