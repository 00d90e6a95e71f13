import json
from dataclasses import replace

import pytest

from stilts_repro.claims.bless import write_reference
from stilts_repro.claims.check import Run, check
from stilts_repro.claims.expected import Made, load_expected
from stilts_repro.claims.schema import EXPECTED_RESULTS
from stilts_repro.errors import InputError

VERSIONS = {"torch": "2.10.0"}
VALUES = [1.5, 2.25, 1.0]


@pytest.fixture
def folder(folder):
    """A copy of the expected results in which squad_gain has no reference yet."""
    path = folder / "squad_gain.json"
    raw = json.loads(path.read_text()) | {"reference": {}}
    path.write_text(json.dumps(raw, indent=2, ensure_ascii=False) + "\n")
    return folder


def bless(
    folder, scale="testbed", values=VALUES, seeds=(0, 1, 2), model="mlm@1a2b", arithmetic="fp32"
):
    path = folder / "squad_gain.json"
    made = Made(tuple(values), tuple(seeds), VERSIONS, "command", "x86_64", 12.3)
    write_reference(path, scale, arithmetic, made, model)


def test_blessed_values_become_the_reference(folder):
    bless(folder)
    expected = load_expected("squad_gain", folder)
    made = expected.reference["testbed"].main
    assert (made.values, made.seeds) == (tuple(VALUES), (0, 1, 2))
    assert (made.made_with, made.platform, made.seconds) == ("command", "x86_64", 12.3)
    assert check(expected, Run([1.5]), "testbed").verdict == "pass"


def members(value):
    """Return a JSON value with its objects as lists of pairs: their order counts."""
    if isinstance(value, dict):
        return [(key, members(item)) for key, item in value.items()]
    return [members(item) for item in value] if isinstance(value, list) else value


def test_everything_else_stays_in_its_order(folder):
    path = folder / "squad_gain.json"
    # A hand-made file: odd blanks, a float that json prints otherwise, a decoy, letters and keys.
    text = (
        path.read_text()
        .replace("8.2,", "8.20 ,  ")
        .replace("English", 'English é→\\u2192 \\"reference\\": {')
    )
    path.write_text(text)
    bless(folder, "smoke")
    bless(folder, "testbed")
    bless(folder, "testbed", arithmetic="bf16")
    before, after = json.loads(text), json.loads(path.read_text())
    assert list(after["reference"]) == ["smoke", "testbed"]
    after["reference"] = {}
    assert members(after) == members(before)


def test_files_are_in_the_layout_that_is_written(folder):
    """So a new reference changes no other line of its file."""
    bless(folder)
    bless(folder, arithmetic="bf16")
    for path in [*folder.glob("*.json"), *EXPECTED_RESULTS.glob("*.json")]:
        text = path.read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n", path


def test_other_scales_stay_and_the_same_scale_is_replaced(folder):
    bless(folder, "smoke")
    before = (folder / "squad_gain.json").read_text()
    bless(folder, "testbed")
    bless(folder, "testbed", [4.0, 5.0, 6.0])
    reference = load_expected("squad_gain", folder).reference
    assert reference["testbed"].main.values == (4.0, 5.0, 6.0)
    assert reference["smoke"].main.values == tuple(VALUES)
    smoke = before[before.index('"smoke"') : before.index('  },\n  "check"')].rstrip()
    assert smoke in (folder / "squad_gain.json").read_text()


@pytest.mark.parametrize(
    "bad",
    [
        {"values": VALUES[:2], "seeds": (0, 1)},
        {"seeds": (0, 1, 1)},
        {"seeds": (0, 1, 2, 3)},
        {"values": [1.0, 2.0, float("nan")]},
        {"scale": "tiny"},
        {"model": ""},
    ],
    ids=str,
)
def test_refusal_is_one_line_and_leaves_the_file(folder, bad):
    before = (folder / "squad_gain.json").read_bytes()
    with pytest.raises(InputError) as caught:
        bless(folder, **bad)
    assert "\n" not in str(caught.value)
    assert (folder / "squad_gain.json").read_bytes() == before


def test_values_in_other_arithmetic_stand_beside_it_and_widen_the_interval(folder):
    bless(folder, values=[1.5, 1.5, 1.5])
    assert check(load_expected("squad_gain", folder), Run([2.4]), "testbed").verdict == "fail"
    bless(folder, values=[2.5, 2.5, 2.5], arithmetic="bf16")
    bless(folder, values=[1.5, 1.6, 1.5, 7.0], seeds=(0, 1, 2, 9), arithmetic="fp32, 2 threads")
    reference = load_expected("squad_gain", folder).reference["testbed"]
    assert [*reference.runs] == ["fp32", "bf16", "fp32, 2 threads"]
    assert reference.noise == pytest.approx(1.0)  # of the seeds that both have
    assert check(load_expected("squad_gain", folder), Run([2.4]), "testbed").verdict == "pass"
    # New values in one arithmetic leave the others, and which comes first.
    bless(folder, values=[1.4, 1.4, 1.4])
    reference = load_expected("squad_gain", folder).reference["testbed"]
    assert reference.main.values == (1.4, 1.4, 1.4) and reference.noise == pytest.approx(1.1)


def test_values_of_another_model_leave_nothing_beside_them(folder):
    bless(folder)
    bless(folder, arithmetic="bf16")
    bless(folder, model="mlm@3c4d")
    assert [*load_expected("squad_gain", folder).reference["testbed"].runs] == ["fp32"]


def test_seeds_after_the_first_are_added_to_a_reference_made_alike(folder):
    bless(folder)
    bless(folder, values=[1.0, 7.0, 8.0], seeds=(2, 3, 4))  # seed 2 once more, with its value
    made = load_expected("squad_gain", folder).reference["testbed"].main
    assert made.by_seed == {0: 1.5, 1: 2.25, 2: 1.0, 3: 7.0, 4: 8.0}
    with pytest.raises(InputError, match=r"seed 3 has 7.0 there and 7.5 now"):
        bless(folder, values=[7.5], seeds=(3,))
    other = Made((9.0,), (5,), {"torch": "2.11.0"}, "command", "x86_64", 12.3)
    with pytest.raises(InputError, match=r"another set-up \(versions\); make all of them anew"):
        write_reference(folder / "squad_gain.json", "testbed", "fp32", other, "mlm@1a2b")
    assert load_expected("squad_gain", folder).reference["testbed"].main == made


def test_seeds_of_another_machine_are_added_in_fp32_and_stay_its_own(folder):
    path = folder / "squad_gain.json"
    other = Made((7.0,), (3,), VERSIONS, "command", "arm64", 12.3)
    for arithmetic in ("fp32", "bf16"):
        bless(folder, arithmetic=arithmetic)
    write_reference(path, "testbed", "fp32", other, "mlm@1a2b")
    with pytest.raises(InputError, match=r"another set-up \(kind of machine\)"):
        write_reference(path, "testbed", "bf16", other, "mlm@1a2b")
    expected = load_expected("squad_gain", folder)
    assert expected.reference["testbed"].main.platform == ("x86_64",) * 3 + ("arm64",)

    def reason(value, seed, platform):
        run = Run([value], [seed], platform=platform, versions=VERSIONS)
        return check(expected, run, "testbed").reason

    # Each kind of machine owes its own seeds' very values, and the other's within the tolerance.
    assert reason(1.5, 0, "x86_64") == reason(7.0, 3, "arm64") == "equal seeds give equal values"
    assert "0.4 at most" in reason(7.4, 3, "x86_64")
    assert "on this kind of machine" in reason(7.4, 3, "arm64")
    # A fifth seed, of a machine that is there.
    write_reference(path, "testbed", "fp32", replace(other, seeds=(4,)), "mlm@1a2b")
    made = load_expected("squad_gain", folder).reference["testbed"].main
    assert made.machines == dict.fromkeys((0, 1, 2), "x86_64") | dict.fromkeys((3, 4), "arm64")
