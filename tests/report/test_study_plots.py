"""Pictures of studies: every number that a detail has is in one, and nothing else breaks it."""

import json

import numpy as np
import pytest

from reproduce.catalogue import all_studies
from stilts_repro.claims.finding import finding
from stilts_repro.report.study_plots import study_svg
from stilts_repro.run.studies import design_of
from tests.run.test_studies import made_up


def entry(name, **changes):
    study, rng = all_studies()[name], np.random.default_rng(1)
    seeds = [made_up(study, rng, 5.0) for _ in range(3)]
    values = [study.value(scores, study.targets) for scores in seeds]
    details = json.loads(json.dumps([study.details(s, study.targets) for s in seeds]))
    claim = {"id": name, "unit": "points", "observed": {"values": values}, "details": details}
    return claim | {"finding": finding(design_of(name), values)} | changes


@pytest.mark.parametrize("name", all_studies())
def test_a_picture_names_what_was_measured(name):
    claim = entry(name)
    picture = study_svg(claim)
    assert picture.startswith("<svg") and f"{name}: supported" in picture
    for title in claim["details"][0]:
        assert title in picture
    assert picture == study_svg(claim)  # equal results give equal files


def test_sizes_are_an_axis_and_names_are_rows():
    picture = study_svg(entry("scaling"))
    assert "110,592" in picture and "2,654,208" in picture
    assert "decoder, saturating" in picture


def test_what_was_not_measured_has_no_picture():
    assert study_svg(entry("scaling", observed={"values": []})) == ""
    assert study_svg({"id": "squad_gain", "observed": {"values": [1.0]}, "details": []}) == ""


def test_details_that_are_no_numbers_in_each_seed_are_left_out():
    details = [
        {"words": {"a": "b"}, "absent": {"a": 1.0}, "<b>&$x^2$": {"<i>": 1.0}},
        {"words": {"a": "b"}, "absent": {"a": None}, "<b>&$x^2$": {"<i>": 2.0}},
    ]
    picture = study_svg(entry("scaling", details=details))
    assert "words" not in picture and "absent" not in picture
    assert "&lt;b&gt;&amp;$x^2$" in picture and "&lt;i&gt;" in picture


def test_fewer_than_three_seeds_have_no_interval():
    claim = entry("scaling")
    claim |= {"observed": {"values": [5.0]}, "finding": finding(design_of("scaling"), [5.0])}
    assert "scaling: inconclusive" in study_svg(claim)
