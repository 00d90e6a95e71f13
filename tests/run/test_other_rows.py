"""A reference of other rows than the scale's own holds for whoever has those rows, nobody else."""

import shutil
from dataclasses import replace

import pyarrow.parquet as pq

from reproduce.catalogue import all_claims
from stilts_repro.claims.bless import write_reference
from stilts_repro.claims.expected import Made, load_expected
from stilts_repro.claims.schema import EXPECTED_RESULTS
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.machine import Machine
from stilts_repro.run import execution
from stilts_repro.run.execution import run_claims
from stilts_repro.run.request import Request
from tests.mirrors import XTREME, build, write
from tests.planning import has_no_reference, small_scale

SEEDS = (0, 1, 2)


def test_a_reference_goes_by_the_rows(tiny_model, tmp_path, monkeypatch):
    mirror = build(tmp_path / "mirror")
    claim = replace(all_claims()["squad_gain"], targets=("tatoeba",))

    def run():
        inventory_of.cache_clear()
        request = Request(
            (claim,), small_scale(), str(mirror), str(tiny_model), SEEDS, tmp_path / "out"
        )
        return run_claims(request)

    first = run()
    (found,) = first["claims"]
    assert has_no_reference(found)
    folder = tmp_path / "expected_results"
    shutil.copytree(EXPECTED_RESULTS, folder)
    values = tuple(found["observed"]["values"])
    made = Made(values, SEEDS, first["versions"], "command", first["platform"])
    written = (Machine.of().arithmetic, made, found["model"], found["data"])
    write_reference(folder / "squad_gain.json", "smoke", *written)
    monkeypatch.setattr(execution, "load_expected", lambda name, _: load_expected(name, folder))
    assert run()["claims"][0]["verdict"] == "pass"

    # Another sentence in one of the rows: nobody has run these before.
    file = mirror / XTREME / "tatoeba.deu/validation.parquet"
    rows = pq.read_table(file).to_pylist()
    write(
        mirror,
        XTREME,
        "tatoeba.deu",
        "validation",
        [{**rows[0], "source_sentence": "x"}, *rows[1:]],
    )
    (other,) = run()["claims"]
    assert other["data"] != found["data"]
    assert other["reference"] is None and "this run's data" in other["reason"]
    assert other["verdict"] != "pass"  # its few rows are not measurable besides
