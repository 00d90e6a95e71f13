"""Type-token ratios by hand, by definition, and in the order that is known of real languages."""

import random
from statistics import fmean

import pytest

from stilts_repro.data.source import DirectorySource
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.metrics.morphology import type_token_ratio, words_of
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


def test_real_languages_are_in_their_order(real_data):
    """Those of XNLI's premises."""
    inventory = Inventory(DirectorySource(real_data / "hub-mirror"), 200)
    held = inventory.evaluation("xnli", "dev")
    ratio = {code: type_token_ratio(row.first for row in held[code].examples) for code in held}
    assert min(ratio["tr"], ratio["ar"], ratio["ru"]) > ratio["de"] > ratio["fr"] > ratio["en"]
