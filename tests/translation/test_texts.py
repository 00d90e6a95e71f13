import json
import threading

import pytest

from stilts_repro.translation import texts as module
from stilts_repro.translation.texts import translate_cached
from tests.translation.conftest import Dictionary

TEXTS = [f"text {n}" for n in range(50)]


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 8)


def shards(folder):
    return sorted(folder.rglob("*.jsonl"))


def test_what_was_translated_before_an_interruption_is_not_made_again(kept):
    stopped = Dictionary(fails_after=20)
    with pytest.raises(KeyboardInterrupt):
        translate_cached(stopped, TEXTS, "de")
    assert len(stopped.asked) == 24
    second = Dictionary()
    assert translate_cached(second, TEXTS, "de") == [f"<{text}>" for text in TEXTS]
    assert sorted(stopped.asked + second.asked) == sorted(TEXTS)
    third = Dictionary()
    assert translate_cached(third, TEXTS[::-1], "de") == [f"<{text}>" for text in TEXTS[::-1]]
    assert third.asked == [] and len(shards(kept)) == 2


def test_equal_texts_are_asked_once_and_blank_ones_never(kept):
    asked = Dictionary()
    assert translate_cached(asked, ["a", "", "a", " "], "de") == ["<a>", "", "<a>", ""]
    assert asked.asked == ["a"]


def test_a_line_cut_off_by_a_kill_is_made_again(kept):
    translate_cached(Dictionary(), TEXTS, "de")
    (shard,) = shards(kept)
    shard.write_bytes(shard.read_bytes()[:-9])
    again = Dictionary()
    assert translate_cached(again, TEXTS, "de") == [f"<{text}>" for text in TEXTS]
    assert len(again.asked) == 1
    shard.write_bytes(b"\xff\xfe\n[]\n{}\n3\n" + shard.read_bytes())
    assert translate_cached(Dictionary(fails_after=0), TEXTS, "de")[0] == "<text 0>"


def test_translators_and_languages_are_kept_apart(kept):
    class Other(Dictionary):
        def version(self, target):
            return "dictionary 2"

    made = [
        translate_cached(kind(lambda text, n=n: text + str(n)), ["a"], target)
        for n, (kind, target) in enumerate(((Dictionary, "de"), (Dictionary, "fr"), (Other, "de")))
    ]
    assert made == [["a0"], ["a1"], ["a2"]]
    about = sorted(json.loads(path.read_text())["target"] for path in kept.rglob("about.json"))
    assert about == ["de", "de", "fr"]


def test_several_writers_do_not_harm_each_other(kept):
    writers = [
        threading.Thread(target=translate_cached, args=(Dictionary(), TEXTS, "de"))
        for _ in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    unasked = Dictionary()
    assert translate_cached(unasked, TEXTS, "de") == [f"<{text}>" for text in TEXTS]
    assert unasked.asked == []


def test_without_a_cache_nothing_is_kept(monkeypatch, kept, capsys):
    monkeypatch.setenv("STILTS_CACHE", "off")
    assert translate_cached(Dictionary(), ["a"], "de") == ["<a>"]
    file = kept.parent.parent / "file"
    file.write_text("")
    monkeypatch.setenv("STILTS_CACHE", str(file))
    assert translate_cached(Dictionary(), TEXTS, "de")[1] == "<text 1>"
    assert capsys.readouterr().err.count("not kept") == 1


def test_any_text_can_be_kept(kept):
    odd = ["a\nb", "\ud800", "ა\u2028b", '"']
    expected = [f"<{text}>" for text in odd]
    assert translate_cached(Dictionary(), odd, "de") == expected
    assert translate_cached(Dictionary(fails_after=0), odd, "de") == expected
