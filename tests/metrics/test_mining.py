import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_repro.metrics.retrieval import MiningScores, best_threshold, mine, mining_f1


def dense_mine(source, target, k):
    """Mine from the whole similarity matrix, a row at a time."""
    source, target = (x / x.norm(dim=1, keepdim=True) for x in (source, target))
    cosine = (source @ target.T).numpy()
    n, m = cosine.shape

    def near(row):
        return np.argsort(-row, kind="stable")[:k]

    source_mean = [cosine[i][near(cosine[i])].mean() for i in range(n)]
    target_mean = [cosine[:, j][near(cosine[:, j])].mean() for j in range(m)]

    def margin(i, j):
        return cosine[i, j] / ((source_mean[i] + target_mean[j]) / 2)

    proposals = []
    for i in range(n):
        proposals.append(max((margin(i, j), i, j) for j in near(cosine[i])))
    for j in range(m):
        proposals.append(max((margin(i, j), i, j) for i in near(cosine[:, j])))
    used_source, used_target, mined = set(), set(), []
    for score, i, j in sorted(proposals, reverse=True):
        if score > 0 and i not in used_source and j not in used_target:
            used_source.add(i)
            used_target.add(j)
            mined.append((i, int(j), score))
    return mined


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 30), st.integers(1, 9), st.data())
def test_equal_to_the_dense_matrix(seed, n, m, block, data):
    k = data.draw(st.integers(1, 6))
    generator = torch.Generator().manual_seed(seed)
    # A common direction keeps the means away from 0, as in real sentence embeddings.
    source, target = (
        torch.randn(rows, 8, generator=generator, dtype=torch.float64) + 1 for rows in (n, m)
    )
    mined = mine(source, target, k=k, block=block)
    expected = dense_mine(source, target, k)
    pairs = zip(mined.source.tolist(), mined.target.tolist(), strict=True)
    found = dict(zip(pairs, mined.score.tolist(), strict=True))
    # As a mapping: with k = 1 all mutual neighbours have margin 1, in an order that rounding sets.
    assert found == pytest.approx({(i, j): score for i, j, score in expected})
    assert mined.score.diff().le(0).all()


def test_noisy_copies_find_each_other():
    generator = torch.Generator().manual_seed(1)
    source = torch.randn(50, 16, generator=generator)
    order = torch.randperm(50, generator=generator)
    target = 3 * source[order] + 0.1 * torch.randn(50, 16, generator=generator)
    mined = mine(source, target, block=7)
    assert torch.equal(order[mined.target], mined.source)
    assert len(mined.source) == 50


def test_the_margin_prefers_the_pair_that_stands_out():
    # Target 0 is near every source (a hub); source 0's own partner, target 1, is a little further.
    source = torch.tensor([[1.0, 0.2, 0.0], [1.0, 0.0, 0.1], [1.0, 0.0, -0.1]])
    target = torch.tensor([[1.0, 0.05, 0.0], [1.0, 0.6, 0.0]])
    cosine = torch.nn.functional.cosine_similarity(source[0], target, dim=1)
    assert cosine[0] > cosine[1]
    mined = mine(source, target, k=2)
    assert (0, 1) in zip(mined.source.tolist(), mined.target.tolist(), strict=True)


def test_half_precision_zero_rows_and_large_k_work():
    source = torch.eye(3, dtype=torch.bfloat16)
    assert len(mine(source, source, k=100).source) == 3
    assert len(mine(torch.zeros(2, 3), torch.zeros(2, 3)).source) == 0


def test_mine_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="at least 1"):
        mine(torch.ones(2, 3), torch.ones(2, 3), k=0)
    with pytest.raises(ValueError, match="source"):
        mine(torch.ones(2, 3), torch.ones(2, 4))
    with pytest.raises(ValueError, match="n > 0"):
        mine(torch.ones(0, 3), torch.ones(2, 3))


def f1_at(scores, is_gold, n_gold, threshold):
    candidates = dict(enumerate(scores))
    gold = {i for i, good in enumerate(is_gold) if good}
    missed = {f"missed {i}" for i in range(n_gold - len(gold))}
    return mining_f1(candidates, gold | missed, threshold).f1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.1, 0.5, 1.0, 1.25, 1.5, 2.0, 3.0]), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    st.integers(0, 5),
)
def test_no_threshold_is_better_than_the_best(candidates, missed):
    scores, is_gold = zip(*candidates, strict=True)
    n_gold = sum(is_gold) + missed
    found = best_threshold(scores, is_gold, n_gold)
    best = max(f1_at(scores, is_gold, n_gold, threshold) for threshold in scores)
    assert f1_at(scores, is_gold, n_gold, found) == pytest.approx(best)


def test_threshold_lies_between_the_last_kept_and_the_first_dropped():
    assert best_threshold([1.0, 3.0, 2.0], [False, True, True], 2) == 1.5


def test_threshold_where_all_candidates_are_kept():
    assert best_threshold([2.0, 1.0], [True, True], 2) == 1.0


def test_threshold_without_gold_candidates_is_zero():
    assert best_threshold([2.0, 1.0], [False, False], 2) == 0
    assert best_threshold([], [], 2) == 0


def test_threshold_between_neighbouring_floats_drops_the_lower():
    low = 1.0
    high = np.nextafter(low, 2)
    assert best_threshold([high, low], [True, False], 1) == high


def test_threshold_takes_tensors():
    assert best_threshold(torch.tensor([3.0, 1.0]), torch.tensor([True, False]), 1) == 2


def test_threshold_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="2 scores but 1"):
        best_threshold([1.0, 2.0], [True], 1)
    with pytest.raises(ValueError, match="only 1 gold"):
        best_threshold([1.0, 2.0], [True, True], 1)


def test_mining_scores_count_kept_pairs():
    candidates = {("a", "x"): 2.0, ("b", "y"): 1.5, ("c", "z"): 1.0}
    gold = [("a", "x"), ("c", "z"), ("d", "w"), ("e", "v")]
    scores = mining_f1(candidates, gold, threshold=1.5)
    assert scores == MiningScores(f1=pytest.approx(100 / 3), precision=50, recall=25)
    assert mining_f1(candidates, gold, threshold=9) == MiningScores(0, 0, 0)
