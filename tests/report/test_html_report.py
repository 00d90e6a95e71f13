import copy
import re
from html.parser import HTMLParser

import pytest

from stilts_repro.report.averages import GEOMETRY, Grid, Layers, geometry, layers
from stilts_repro.report.page import html
from stilts_repro.report.plots import gains_svg, languages_svg, layers_svg
from tests.report.conftest import INTERMEDIATES, TARGETS, condition

EVIL = '<script>alert("x")</script>&$\\frac$'
VOID = {"meta", "br"}


class Structure(HTMLParser):
    """Collects tags and text, and fails on a tag that is not closed in its turn."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(result) -> Structure:
    structure = Structure()
    structure.feed(html(result))
    assert structure.open == []
    return structure


def text_of(result) -> str:
    return " ".join(" ".join(parsed(result).text).split())


def spoil(value, key=None):
    """Put EVIL into every text that a result holds, and into every key of its open maps."""
    if isinstance(value, str) and key not in ("verdict", "direction", "scale", "part", "id"):
        return value + EVIL
    if isinstance(value, list):
        return [spoil(item, key) for item in value]
    if isinstance(value, dict):
        opened = key in ("conditions", "languages", "left_out", "versions", "chosen", "gains")
        return {name + EVIL if opened else name: spoil(v, name) for name, v in value.items()}
    return value


def test_every_text_is_escaped(result):
    page = parsed(spoil(result))
    assert "script" not in page.tags
    assert any(EVIL in text for text in page.text)


def test_report_is_one_file_that_asks_for_nothing(result):
    assert not re.search(r'(src|href)="(?!#)|@import|url\((?!#)', html(result))


def test_same_result_gives_the_same_bytes(result):
    assert html(result) == html(copy.deepcopy(result))
    assert not re.search(r"dc:date|20[0-9]{2}-[0-9]{2}-[0-9]{2}", html(result))


def test_verdict_direction_and_partial_means_are_there(result):
    text = text_of(result)
    assert "6.50 [5.40, 7.60] n=5 6.40 n=3 6.10 6.40 6.70 pass" in text
    assert "mean over 8 of 9 targets" in text
    assert "the data has no config bucc18.de" in text
    assert "transformers 5.16.0" in text


def test_published_cells_say_that_nobody_checked_them(result):
    text = text_of(result)
    assert "No public source vouches for 130 of its 132 numbers" in text
    assert "67.2 stands there, the cells give 65.93" in text
    assert "8.2, verified" in text


def test_run_without_a_grid_has_a_report(result):
    result.update(grid=[], claims=[c for c in result["claims"] if c["id"] == "published_tables"])
    del result["retrieval"]
    assert "No cell of the grid was run." in text_of(result)


PLAIN = dict.fromkeys(("none", "mnli"), condition())
CONDITIONS = PLAIN | {
    "none+random": condition("none+random", control=True),
    "mnli+random": condition("none+random", control=True),
    "mnli+shuffled": condition(control=True),
}


def test_grid_averages_over_seeds_and_matches_gains_by_seed():
    def entry(intermediate, seed, score):
        cell = {"intermediate": intermediate, "target": "t", "seed": seed, "part": "dev"}
        return cell | {"score": score, "metric": "m", "languages": {"en": score}}

    grid = Grid([entry("mnli", 0, 60), entry("none", 0, 50), entry("none", 1, 10)], PLAIN)
    assert grid.intermediates == ["none", "mnli"]
    assert grid.score("none", "t") == 30
    assert grid.gains("mnli", "t") == [10]
    assert grid.language_score("none", "t", "dev", "en") == 30
    assert grid.score("none", "t", "test") is None


def test_controls_are_held_against_their_own_baseline():
    def entry(row, score):
        return {"intermediate": row, "target": "tatoeba", "seed": 0, "part": "dev", "score": score}

    rows = {"none": 50.0, "mnli": 52.0, "none+random": 1.0, "mnli+random": 1.5}
    grid = Grid([entry(row, score) for row, score in rows.items()], CONDITIONS)
    assert grid.trained == ["mnli", "mnli+random"]
    assert [grid.gain(row, "tatoeba") for row in grid.trained] == [2.0, 0.5]


def test_controls_have_no_curve():
    names = ["none", "mnli", "none+random", "mnli+shuffled"]
    found = Layers("tatoeba", "mean pooling", 1, names, [(0, [1.0, 2.0, 3.0, 4.0])])
    assert found.without_controls(CONDITIONS).intermediates == ["none", "mnli"]
    assert found.without_controls(CONDITIONS).rows == [(0, [1.0, 2.0])]


def test_row_that_misses_a_target_has_no_mean(result):
    grid = Grid(result["grid"], result["conditions"])
    assert grid.average_gain("mnli") == pytest.approx(
        sum(grid.gain("mnli", t) for t in grid.targets) / len(grid.targets)
    )
    kept = [e for e in result["grid"] if (e["intermediate"], e["target"]) != ("mnli", "panx")]
    grid = Grid(kept, result["conditions"])
    assert grid.average("mnli") is None and grid.average_gain("mnli") is None


def test_layers_are_numbers_not_words(result):
    for entry in result["retrieval"]:
        entry["layers"]["10"] = 12.0
    table = layers(result["retrieval"])[0]
    assert [depth for depth, _ in table.rows] == [0, 1, 2, 3, 10]
    assert table.rows[1][1] == [31.0] * 5


def test_plot_takes_the_pages_colours(result):
    svg = gains_svg(Grid(result["grid"], result["conditions"]))
    assert svg.startswith("<svg") and "var(--accent)" in svg and "currentColor" in svg
    for name in ("squad_v2", "multitask", "tatoeba"):
        assert f">{name}<" in svg
    assert gains_svg(Grid([e for e in result["grid"] if e["intermediate"] == "none"], PLAIN)) == ""


def test_panels_without_a_row_are_not_drawn(result):
    rows = list(dict.fromkeys(e["intermediate"] for e in result["grid"]))[:2]
    six = [
        entry | {"intermediate": f"{entry['intermediate']}{copy}"}
        for copy in range(6)
        for entry in result["grid"]
        if entry["intermediate"] == rows[1]
    ]
    baseline = [entry for entry in result["grid"] if entry["intermediate"] == "none"]
    conditions = {entry["intermediate"]: condition() for entry in (*baseline, *six)}
    svg = gains_svg(Grid([*baseline, *six], conditions))
    assert svg.count('id="axes_') == 6  # of two times four panels


def test_curves_of_retrieval_stand_before_and_after_phase_two():
    def entry(row, target, scores):
        found = {"pooling": "mean", "scoring": "cosine", "layer": 1}
        layers = {str(depth): score for depth, score in enumerate(scores)}
        return found | {"intermediate": row, "target": target, "seed": 0, "layers": layers}

    before = [entry("none", "tatoeba", [10.0, 20.0]), entry("none", "bucc2018", [5.0, 6.0])]
    svg = layers_svg(layers([*before, entry("mnli", "tatoeba", [11.0, 25.0])]), PLAIN)
    assert svg.count('id="axes_') == 2
    assert ">tatoeba<" in svg and ">bucc2018<" in svg and ">mnli<" in svg
    assert layers_svg(layers(before), PLAIN) == ""


def test_the_gate_is_shown_and_said_beside_every_mean(result):
    result["claims"][0]["not_measurable"] = ["xnli"]
    result["dark"] = {"pawsx": "learned by heart"}
    told = text_of(result)
    assert "pawsx is in no mean of this scale: learned by heart" in told
    assert "xnli not measurable +0.5 -2.5 (5 needed)" in told
    assert "tydiqa measurable +20.0 +17.0 (5 needed)" in told
    targets = len(TARGETS)
    assert f"mean of {targets} targets, 1 of them not measurable: xnli" in told
    assert told.count(f"mean of {targets}, 1 not measurable") == 2  # of scores and of gains


def test_why_sentences_are_found_stands_beside_the_layers(result):
    tables = geometry(result["retrieval"])
    assert [table.method for table in tables] == [words for words, _ in GEOMETRY.values()]
    assert dict(tables[0].rows)[2] == [48.0] * len(INTERMEDIATES)
    assert "cosine of sentences that are no pair" in text_of(result)
    assert "0.875" in text_of(result)


def test_gains_by_language_put_english_first_and_then_the_best_of_the_baseline():
    def entry(intermediate, seed, **languages):
        return {
            "intermediate": intermediate,
            "target": "tydiqa",
            "part": "dev",
            "seed": seed,
            "languages": languages,
        }

    grid = Grid(
        [
            entry("none", 0, sw=20.0, en=40.0, ko=50.0),
            entry("none", 1, sw=22.0, en=42.0, ko=50.0),
            entry("mnli", 0, sw=23.0, en=45.0, ko=49.0),
            entry("mnli", 1, sw=21.0, en=44.0, ko=51.0),
            entry("mnli", 2, sw=99.0, en=99.0, ko=99.0),  # no baseline of this seed
        ],
        {"none": condition(), "mnli": condition()},
    )
    gains = grid.language_gains("mnli", "tydiqa")
    assert gains == {"en": 3.5, "ko": 0.0, "sw": 1.0}
    assert [*gains] == ["en", "ko", "sw"]


def test_the_picture_by_language_has_a_panel_a_trained_target_and_a_mark_a_row(result):
    picture = languages_svg(Grid(result["grid"], result["conditions"]))
    for text in ("xnli", "tydiqa", *INTERMEDIATES[1:]):
        assert f">{text}<" in picture
    assert ">tatoeba<" not in picture  # nothing is trained for it
    assert languages_svg(Grid([], {})) == ""


def test_no_row_of_many_is_left_out_of_the_picture_by_language(result):
    names = [f"task{number}" for number in range(25)]
    conditions = result["conditions"] | {name: condition() for name in names}
    entry = next(e for e in result["grid"] if e["target"] == "xnli" and e["part"] == "dev")
    more = [{**entry, "intermediate": name} for name in names]
    picture = languages_svg(Grid([*result["grid"], *more], conditions))
    assert all(f">{name}<" in picture for name in names)
