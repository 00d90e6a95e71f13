"""Texts to continue masked-language modelling on."""

import pytest

from stilts_repro.errors import MissingError
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.sources import inventory_of, open_texts
from stilts_repro.testbed import TestbedSource


def corpus(folder, **texts):
    for language, lines in texts.items():
        (folder / f"{language}.txt").write_text("".join(f"{line}\n" for line in lines))
    return str(folder)


def test_languages_without_text_take_no_share(tmp_path):
    texts = open_texts("hub", corpus(tmp_path, de="abcdef", en="uvwxyz", fr=""))
    assert texts(4) == {"de": ["a", "b"], "en": ["u", "v"]}
    inventory = Inventory(TestbedSource(), None, texts)
    assert inventory.continued(4).examples == ("a", "u", "b", "v")
    assert inventory.origin_of_texts()["id"].endswith("de, en")


def test_a_short_language_gives_what_it_has(tmp_path):
    texts = open_texts("hub", corpus(tmp_path, de="abcdef", en="u"))
    assert texts(6) == {"de": ["a", "b", "c"], "en": ["u"]}
    assert Inventory(TestbedSource(), None, texts).continued(6).examples == tuple("aubc")


def test_a_corpus_without_text_is_found_before_anything_is_read(tmp_path):
    with pytest.raises(MissingError, match=r"its files are empty; give text$"):
        inventory_of("nowhere", None, corpus(tmp_path, de="", en=" "))
