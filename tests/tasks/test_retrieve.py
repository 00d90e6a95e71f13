"""Mining with ids: equal sentences are one vector and several pairs."""

import pytest
import torch

from stilts_repro.metrics.retrieval import mine
from stilts_repro.tasks.retrieval import Mining, Pool, Translation, mine_pool

PAIRS = [
    Translation("Hund", "dog", "de-1", "en-1"),
    Translation("Katze", "cat", "de-2", "en-2"),
    Translation("Hund", "dog", "de-3", "en-3"),  # the same pair of texts
    Translation("Katze", "kitty", "de-2", "en-4"),  # one sentence, two translations
]


def test_equal_sentences_are_merged_and_keep_all_ids():
    pool = Pool.of(PAIRS, [("de-9", "Maus"), ("de-8", "Hund")], [("en-9", "cat")])
    assert pool.source == ("Hund", "Katze", "Maus")
    assert pool.source_ids == (("de-1", "de-3", "de-8"), ("de-2",), ("de-9",))
    assert pool.target == ("dog", "cat", "kitty")
    assert pool.target_ids == (("en-1", "en-3"), ("en-2", "en-9"), ("en-4",))
    assert pool.gold == {("de-1", "en-1"), ("de-2", "en-2"), ("de-3", "en-3"), ("de-2", "en-4")}


def test_every_pair_of_ids_of_a_merged_text_is_a_candidate():
    pool = Pool.of(PAIRS)
    source, target = torch.eye(3)[:2], torch.eye(3)
    mining = mine_pool(pool, source, target)
    # jiant scores the product of ids: two of the four pairs of "Hund" and "dog" are wrong.
    assert set(mining.candidates) == {
        *((a, b) for a in ("de-1", "de-3") for b in ("en-1", "en-3")),
        ("de-2", "en-2"),
    }
    assert len({mining.candidates[a, b] for a in ("de-1", "de-3") for b in ("en-1", "en-3")}) == 1
    metrics = mining.metrics(0.0)
    assert metrics["precision"] == pytest.approx(100 * 3 / 5)
    assert metrics["recall"] == pytest.approx(100 * 3 / 4)


def test_without_equal_sentences_candidates_are_what_was_mined():
    torch.manual_seed(0)
    pairs = [Translation(f"s{n}", f"t{n}", f"de-{n}", f"en-{n}") for n in range(20)]
    source = torch.randn(20, 8)
    target = source + 0.7 * torch.randn(20, 8)
    mining = mine_pool(Pool.of(pairs), source, target)
    mined = mine(source, target)
    places = zip(mined.source.tolist(), mined.target.tolist(), strict=True)
    assert list(mining.candidates) == [(f"de-{i}", f"en-{j}") for i, j in places]
    assert list(mining.candidates.values()) == mined.score.tolist()


def test_what_is_kept_is_what_is_scored():
    mining = Mining({("a", "x"): 1.5, ("b", "y"): 1.2, ("c", "z"): 1.0}, frozenset({("a", "x")}))
    assert mining.kept(1.2) == [["a", "x"], ["b", "y"]]
    assert mining.metrics(1.2)["precision"] == 50
    assert mining.kept(2.0) == []
