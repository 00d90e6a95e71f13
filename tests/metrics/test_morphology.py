"""Type-token ratios by hand, by definition, and in the order that is known of real languages."""

import json
import random
from statistics import fmean

import pytest
from scipy.stats import spearmanr

from stilts_repro.data.source import DirectorySource
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.metrics.morphology import (
    DEGREES,
    UNSPACED,
    WALS,
    type_token_ratio,
    wals_complexity,
    words_of,
)
from stilts_repro.testbed.languages import LANGUAGES
from stilts_repro.testbed.source import TestbedSource


def test_words_are_letters_with_their_marks():
    assert [*words_of("Don't — l'été, 3 Äpfel!")] == ["don", "t", "l", "été", "äpfel"]
    assert [*words_of("मैं हिन्दी में")] == ["मैं", "हिन्दी", "में"]


def test_ratios_by_hand():
    # aab, abb, bbc: 2, 2 and 2 of 3 are different.
    assert type_token_ratio(["a a b", "b c"], window=3) == pytest.approx(100 * 2 / 3)
    assert type_token_ratio(["a b c d"], window=4) == 100.0
    assert type_token_ratio(["a b c"], window=4) is None


def test_ratios_by_definition():
    rng = random.Random(0)
    words = [rng.choice("abcdefgh") for _ in range(300)]
    expected = fmean(100 * len({*words[i : i + 20]}) / 20 for i in range(281))
    assert type_token_ratio([" ".join(words)], window=20) == pytest.approx(expected)


def test_where_morphology_alone_varies_it_orders_the_languages():
    """Each ending that a word can have makes forms: none is poorest, fused ones are richest."""
    source = TestbedSource(kind="morphology")
    ratio = {}
    for code in LANGUAGES:
        documents = source.documents(code)
        ratio[code] = type_token_ratio(next(documents) for _ in range(400))
    isolating, *others = "qad", "qaa", "qab", "qac", "qae", "qaf", "qag"
    assert all(ratio[isolating] < ratio[code] for code in others)
    assert ratio["qaa"] > ratio["qac"] and ratio["qaa"] > ratio["qaf"]  # all against a part
    assert ratio["qab"] > ratio["qae"] and ratio["qab"] > ratio["qag"]


@pytest.fixture
def ratios(real_data):
    """Those of XNLI's premises, by language; each stands there three times, and is read once."""
    inventory = Inventory(DirectorySource(real_data / "hub-mirror"), None)
    return {
        code: type_token_ratio(dict.fromkeys(row.first for row in rows.examples))
        for code, rows in inventory.evaluation("xnli", "dev").items()
    }


def test_real_languages_are_in_their_order(ratios):
    rich, poor = (min, ("tr", "ar", "ru")), (max, ("en", "fr", "es"))
    least, most = (of(ratios[code] for code in codes) for of, codes in (rich, poor))
    assert least > ratios["de"] > most


def test_grammars_order_languages_as_is_known():
    degree = {code: wals_complexity(code) for code in ("tr", "fi", "ru", "en", "fr", "zh", "vi")}
    assert min(degree["tr"], degree["fi"]) > degree["ru"] > degree["en"] > degree["vi"]
    assert degree["zh"] < degree["fr"] < degree["ru"]
    assert wals_complexity("bn") is None and wals_complexity("qaa") is None


def test_every_value_of_a_feature_has_its_degree():
    held = json.loads(WALS.read_text(encoding="utf-8"))
    assert held["licence"] == "CC-BY-4.0" and "WALS Online" in held["attribution"]
    for entry in held["languages"].values():
        assert 20 <= len(entry["values"]) <= len(DEGREES) == 28
        for name, value in entry["values"].items():
            assert 0 <= DEGREES[name][value - 1] <= 1


def test_grammars_and_text_agree(ratios):
    """Bentz et al. (2016): the two go together; here over XNLI's languages that have both."""
    pairs = [
        (wals_complexity(code), ratio)
        for code, ratio in ratios.items()
        if wals_complexity(code) is not None and code not in UNSPACED
    ]
    assert len(pairs) > 8 and spearmanr(pairs).statistic > 0.5
