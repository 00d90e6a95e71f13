import json
from statistics import fmean

import pytest

from stilts_repro.claims.check import Run, check
from stilts_repro.claims.expected import load_expected
from stilts_repro.claims.published import (
    TABLE_2,
    agreeing_headlines,
    findings,
    headlines,
    load_table,
    numbers,
    published_details,
)
from stilts_repro.errors import InputError


def edit(folder, table, change):
    path = folder / "paper" / f"{table}.json"
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))


def test_headlines_come_out_of_the_cells():
    values = {claim: headline.value for claim, headline in headlines().items()}
    assert values == pytest.approx(
        {
            "squad_gain": 8.1667,
            "mnli_gain": 7.5,
            "hellaswag_gain": 7.0278,
            "multitask_gain": 8.6667,
            "xtreme_gain": 5.3556,
        },
        abs=1e-4,
    )
    assert check(
        load_expected("published_tables"), Run([agreeing_headlines()]), "smoke"
    ).verdict == ("pass")


def test_f1_alone_would_not_give_the_headlines():
    table = load_table("table2")
    f1 = [cells[0] for cells in table["rows"]["squad_v2"]["cells"].values()]
    assert round(sum(f1) / 9, 1) == 8.0


@pytest.mark.parametrize(
    ("table", "row", "target"),
    [
        ("table2", "squad_v2", "tatoeba"),
        ("table2", "mnli", "xquad"),
        ("table2", "multitask", "bucc2018"),
        ("xtreme_test", "best", "udpos"),
        ("xtreme_test", "none", "mlqa"),
    ],
)
def test_one_tampered_cell_fails_the_claim(folder, table, row, target):
    def tamper(raw):
        raw["rows"][row]["cells"][target][0] += 3.0

    edit(folder, table, tamper)
    expected = load_expected("published_tables", folder)
    assert check(expected, Run([agreeing_headlines(folder)]), "smoke").verdict == "fail"


def test_averages_that_their_cells_contradict_are_findings():
    found = {finding.row: finding.average for finding in findings()}
    assert {row: (a.printed, round(a.value, 2)) for row, a in found.items()} == {
        "XLM-R Large": (67.2, 65.93),
        "CCG": (4.1, 3.96),
        "CosmosQA": (6.1, 6.18),
    }
    assert "table2, CCG" in published_details()["findings"]


def test_printed_averages_are_the_claims_paper_values():
    rows = load_table("table2")["rows"]
    for claim, row in [("squad_gain", "squad_v2"), ("multitask_gain", "multitask")]:
        assert rows[row]["average"]["value"] == load_expected(claim).paper.value
    test = load_table("xtreme_test")["rows"]
    gain = test["best"]["average"]["value"] - test["none"]["average"]["value"]
    assert gain == pytest.approx(load_expected("xtreme_gain").paper.value)


def test_tags_follow_what_is_known():
    table = {(n.row, n.target, n.metric): n for n in numbers(load_table("table2"))}
    assert len(table) == 11 * 12
    checked = {key[1] for key, number in table.items() if number.checked}
    assert checked == {"bucc2018", "tatoeba"}
    assert table["CCG", "xnli", "accuracy"].provenance == "recalled"
    best = [n for n in numbers(load_table("xtreme_test")) if n.row.startswith("Best")]
    assert not any(n.checked for n in best)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw["rows"]["mnli"]["cells"].pop("udpos"), "$.rows.mnli.cells: has"),
        (lambda raw: raw["rows"]["mnli"]["cells"]["xquad"].pop(), "$.rows.mnli.cells: has"),
        (
            lambda raw: raw["rows"]["none"]["cell_provenance"].update(xquad=["recalled"]),
            "$.rows.none.cell_provenance: has",
        ),
        (lambda raw: raw["rows"].pop("mnli"), "has no row 'mnli'"),
        (lambda raw: raw["rows"]["mnli"].update(provenance="sure"), "$.rows.mnli.provenance"),
    ],
)
def test_malformed_table_is_one_line(folder, change, message):
    edit(folder, "table2", change)
    with pytest.raises(InputError) as caught:
        headlines(folder)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_claims_about_single_targets_follow_from_the_same_cells():
    rows = load_table(TABLE_2)["rows"]
    single = [row["cells"] for name, row in rows.items() if name not in ("none", "multitask")]
    assert len(single) == 9
    expected = {
        "retrieval_gain": fmean(fmean([*c["bucc2018"], *c["tatoeba"]]) for c in single),
        "tydiqa_gain": fmean(rows["squad_v2"]["cells"]["tydiqa"]),
        "xnli_no_gain": max(c["xnli"][0] for c in single),
        "multitask_best": rows["multitask"]["average"]["value"]
        - max(row["average"]["value"] for n, row in rows.items() if n not in ("none", "multitask")),
    }
    for claim, value in expected.items():
        assert load_expected(claim).paper.value == pytest.approx(value, abs=0.0501), claim
