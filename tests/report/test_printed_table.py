import io

from rich.console import Console

from stilts_repro.report.table import claim_row, markdown, notes, print_table


def printed(result, colour=False) -> list[str]:
    console = Console(file=io.StringIO(), width=100, color_system="standard" if colour else None)
    print_table(console, result)
    return console.file.getvalue().splitlines()


def line_of(lines, claim):
    return next(line for line in lines if line.split()[:1] == [claim])


def test_a_claim_is_one_line_that_reads_without_colour(result):
    lines = printed(result)
    wanted = (
        "squad_gain 8.2 6.50 [5.40, 7.60] n=5 6.40 n=3 pass agrees 9.8",
        "mnli_gain 7.5 6.50 [5.40, 7.60] n=5 -2.00 n=3 fail disagrees 9.8",
        "multitask_gain 8.7 – – not_run – 9.8",
        "published_tables 5 5, the paper's 5 pass agrees 9.8",
    )
    for line in wanted:
        assert " ".join(line_of(lines, line.split()[0]).split()) == line
    assert max(map(len, lines)) <= 100


def test_large_numbers_still_fit_a_hundred_columns(result):
    claim = result["claims"][0]
    numbers = {"mean": -10.5, "low": -12.25, "high": -10.75, "n": 10, "agreeing": 0}
    claim["reference"] = numbers | {"by": "interval"}
    claim["observed"] = {"value": -11.5, "values": [-11.5] * 10}
    claim.update(direction="disagrees", verdict="no_reference", seconds=12345.6)
    assert "-10.50 [-12.25, -10.75] n=10" in line_of(printed(result), "squad_gain")


def test_without_a_reference_the_seeds_spread_is_told(result):
    claim = result["claims"][0]
    claim |= {"reference": None, "observed": {"value": 5.0, "values": [4.0, 5.0, 6.0]}}
    (told,) = (line for line in notes(result) if line.startswith("standard deviation over seeds"))
    assert "squad_gain 1.00" in told


def test_what_is_expected_of_the_same_seeds_is_said_to_be_theirs(result):
    claim = result["claims"][0]
    claim["reference"] |= {"mean": -0.12, "low": -0.62, "high": 0.38, "by": "same seed"}
    assert "-0.12 ± 0.5, same seed" in line_of(printed(result), "squad_gain")


def test_a_pass_and_a_fail_differ_in_colour(result):
    lines = printed(result, colour=True)
    assert any("\x1b[32mpass" in line for line in lines)
    assert any("\x1b[1;31mfail" in line for line in lines)


def test_paper_value_keeps_its_printed_decimal(result):
    assert claim_row(result["claims"][2])[1] == "7.0"


def test_partial_mean_is_said_once_for_all_its_claims(result):
    text = " ".join(" ".join(printed(result)).split())
    assert text.count("mean over 8 of 9 targets") == 1
    assert "left out: bucc2018 (the data has no config bucc18.de)" in text
    for claim in result["claims"]:
        claim["left_out"] = {}
    assert "mean over" not in " ".join(printed(result))


def test_markup_in_data_is_text(result):
    result["claims"][0]["left_out"] = {"bucc2018": "[red]gone[/red] [/bold]"}
    assert "[red]gone[/red] [/bold]" in " ".join(printed(result))


def test_markdown_table_survives_pipes_and_line_breaks(result):
    result["model"] = "a|b\nc <b>"
    result["claims"][0]["id"] = "squad|gain"
    lines = markdown(result).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(result["claims"])
    assert {row.replace("\\|", "").count("|") for row in rows} == {8}
    assert "model a\\|b c \\<b\\>" in lines[2]


def test_markdown_makes_no_link_of_a_name(result):
    result["model"] = "[x](http://y) &lt; ~~z~~"
    said = markdown(result).splitlines()[2]
    assert "model [x]\\(http://y) \\&lt; \\~\\~z" in said


def test_a_study_says_what_its_seeds_say_and_what_they_could_have_shown(result):
    found = {"answer": "absent", "low": -0.5, "high": 0.75, "smallest": 2.0, "seen": 1.25}
    result["claims"][0] |= {
        "id": "calibration",
        "direction": None,
        "finding": found | {"reason": "-0.50 to 0.75; an effect below 2 would not matter"},
    }
    assert claim_row(result["claims"][0])[5] == "absent"
    assert notes(result)[0] == (
        "calibration: absent: -0.50 to 0.75; an effect below 2 would not matter; "
        "effects from 1.2 on would be seen"
    )
