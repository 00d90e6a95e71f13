import json

import pytest

from stilts_repro.claims.bless import write_noise, write_reference
from stilts_repro.claims.check import Run, check
from stilts_repro.claims.expected import load_expected
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


def bless(folder, scale="testbed", values=VALUES, seeds=(0, 1, 2), model="mlm@1a2b"):
    path = folder / "squad_gain.json"
    write_reference(path, scale, values, seeds, VERSIONS, "x86_64", model, 12.34)


def test_blessed_values_become_the_reference(folder):
    bless(folder)
    expected = load_expected("squad_gain", folder)
    assert expected.reference["testbed"].values == tuple(VALUES)
    assert expected.reference["testbed"].seeds == (0, 1, 2)
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
    write_noise(path, "testbed", "bf16", VALUES[:1], [0])
    before, after = json.loads(text), json.loads(path.read_text())
    assert list(after["reference"]) == ["smoke", "testbed"]
    after["reference"] = {}
    assert members(after) == members(before)


def test_files_are_in_the_layout_that_is_written(folder):
    """So a new reference changes no other line of its file."""
    bless(folder)
    write_noise(folder / "squad_gain.json", "testbed", "bf16", VALUES[:1], [0])
    for path in [*folder.glob("*.json"), *EXPECTED_RESULTS.glob("*.json")]:
        text = path.read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n", path


def test_other_scales_stay_and_the_same_scale_is_replaced(folder):
    bless(folder, "smoke")
    before = (folder / "squad_gain.json").read_text()
    bless(folder, "testbed")
    bless(folder, "testbed", [4.0, 5.0, 6.0])
    reference = load_expected("squad_gain", folder).reference
    assert reference["testbed"].values == (4.0, 5.0, 6.0)
    assert reference["smoke"].values == tuple(VALUES)
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


def test_command_that_made_it_is_kept(folder):
    bless(folder)
    entry = json.loads((folder / "squad_gain.json").read_text())["reference"]["testbed"]
    assert entry["made_with"] == "python -m reproduce squad_gain --scale testbed --seeds 3"


def test_noise_stands_beside_the_reference_and_widens_the_interval(folder):
    path = folder / "squad_gain.json"
    bless(folder, values=[1.5, 1.5, 1.5])
    with pytest.raises(InputError, match="no reference at scale smoke"):
        write_noise(path, "smoke", "bf16", [1.5], [0])
    with pytest.raises(InputError, match=r"seeds \[1\] first"):
        write_noise(path, "testbed", "bf16", [1.5], [1])
    assert check(load_expected("squad_gain", folder), Run([2.4]), "testbed").verdict == "fail"
    write_noise(path, "testbed", "bf16", [2.5, 2.5], [0, 1])
    write_noise(path, "testbed", "2 threads", [1.5, 1.6], [0, 1])
    reference = load_expected("squad_gain", folder).reference["testbed"]
    assert reference.platform_noise == pytest.approx(1.0)
    assert check(load_expected("squad_gain", folder), Run([2.4]), "testbed").verdict == "pass"
    # More seeds after the same ones keep it; beside other values it says nothing any more.
    bless(folder, values=[1.5, 1.5, 1.5, 9.0], seeds=(0, 1, 2, 3))
    assert load_expected("squad_gain", folder).reference["testbed"].noise["bf16"] == [2.5, 2.5]
    bless(folder)
    assert load_expected("squad_gain", folder).reference["testbed"].platform_noise == 0.0


def test_noise_goes_with_the_model_that_it_was_measured_on(folder):
    path = folder / "squad_gain.json"
    bless(folder)
    write_noise(path, "testbed", "bf16", VALUES[:1], [0])
    bless(folder, model="mlm@3c4d")
    assert load_expected("squad_gain", folder).reference["testbed"].noise == {}
