"""Sentences found by their vectors: the nearest of each (Tatoeba), and pairs by margin (BUCC).

Pairs are mined by the margin of Artetxe & Schwenk (2019), as jiant and LASER do. Sentences with
identical text are the caller's to merge (jiant) or drop (XTREME) before mining.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Pair = TypeVar("Pair", bound=Hashable)


def retrieval_accuracy(queries: Tensor, database: Tensor, *, block: int = 4096) -> float:
    """Return the share of queries i whose nearest database row is row i, in points.

    `queries` and `database` are [n, d]. In jiant (and so in the paper) the queries are the ENGLISH
    sentences and the database is the other language; the caller passes them so.
    Raises ValueError where the shapes differ or there is no row.
    """
    if queries.shape != database.shape:
        raise ValueError(f"queries {tuple(queries.shape)}, database {tuple(database.shape)}")
    rows = nearest(queries, database, block=block)
    labels = torch.arange(len(queries), device=rows.device)
    return 100.0 * int((rows == labels).sum()) / len(queries)


def nearest(queries: Tensor, database: Tensor, *, block: int = 4096) -> Tensor:
    """Return each query's nearest database row by cosine, [n] int64; ties go to the lowest row.

    A query of zeros, or with a number that is not finite, has none: -1.

    `queries` is [n, d] and `database` [m, d]; they are normalised here. At most `block` x `block`
    similarities exist at a time. This is jiant's exact search by L2 distance between unit vectors.
    Raises ValueError as `unit_rows` does.
    """
    queries, database = unit_rows(queries), unit_rows(database)
    indices = []
    for rows in queries.split(block):
        best = rows.new_full((len(rows),), -torch.inf)
        index = torch.zeros(len(rows), dtype=torch.int64, device=rows.device)
        for low, columns in zip(range(0, len(database), block), database.split(block), strict=True):
            value, column = (rows @ columns.T).max(dim=1)  # the first of equal values
            better = value > best
            best = torch.where(better, value, best)
            index = torch.where(better, column + low, index)
        indices.append(index.where(rows.any(dim=1), -1))
    return torch.cat(indices)


def centred(embeddings: Tensor) -> Tensor:
    """Return [n, d] embeddings less their mean over the finite rows: what a language shares."""
    finite = torch.isfinite(embeddings).all(dim=1)
    return embeddings - embeddings[finite].mean(dim=0) if finite.any() else embeddings


def unrelated_cosine(queries: Tensor, database: Tensor) -> float:
    """Return the mean cosine of rows that are no pair: of i in one with all but i in the other.

    Both are [n, d], n above 1. Near 1, all vectors point one way, whatever they are about
    (Ethayarajh 2019).
    """
    queries, database = unit_rows(queries).double(), unit_rows(database).double()
    pairs = len(queries) * (len(queries) - 1)
    everything = queries.sum(dim=0) @ database.sum(dim=0)
    return float(everything - (queries * database).sum()) / pairs


def top_variance(embeddings: Tensor) -> float:
    """Return the share (0 to 1) of the variance of [n, d] embeddings along its largest direction.

    Zero where they do not vary.
    """
    rows = centred(embeddings[torch.isfinite(embeddings).all(dim=1)]).double()
    wide = rows.shape[1] > rows.shape[0]
    spread = torch.linalg.eigvalsh(rows @ rows.T if wide else rows.T @ rows)
    total = float(spread.sum())
    return float(spread[-1]) / total if total > 0 else 0.0


def unit_rows(embeddings: Tensor) -> Tensor:
    """Return [n, d] embeddings with rows of length 1, in float32 (float64 stays; zero rows too).

    A row with a number that is not finite becomes zero: it is near to nothing.
    Raises ValueError where they are not a matrix with at least one row.
    """
    if embeddings.ndim != 2 or not len(embeddings):
        raise ValueError(f"expected embeddings [n, d] with n > 0: {tuple(embeddings.shape)}")
    wide = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
    finite = torch.isfinite(wide).all(dim=1, keepdim=True)
    return torch.nn.functional.normalize(wide.where(finite, 0.0), dim=1)


@dataclass(frozen=True)
class Mined:
    """Pairs of rows, best first; every source and every target row occurs at most once.

    All three are [p] tensors on the CPU.
    """

    source: Tensor  # int64
    target: Tensor  # int64
    score: Tensor  # float64, the ratio margin; above 0


@dataclass(frozen=True)
class MiningScores:
    """F1, precision and recall of the pairs, in points."""

    f1: float
    precision: float
    recall: float


def mine(source: Tensor, target: Tensor, *, k: int = 4, block: int = 4096) -> Mined:
    """Mine pairs with the ratio margin and 'max' retrieval.

    `source` is [n, d] and `target` [m, d]; they are normalised here. The margin of a pair is its
    cosine over the mean of two means: that of the source row's `k` nearest targets and that of the
    target row's `k` nearest sources (`k` is clipped to the rows there are). Each row of either
    side proposes the best by margin among its `k` neighbours; the proposals are taken best first
    (equal scores: source rows' before target rows', then by row) where both rows are still free,
    and kept where the margin is above 0 (jiant's threshold).

    At most `block` x `block` similarities exist at a time. Exactly equal cosines at the k-th
    place are resolved by `torch.topk`, so they may differ between devices.
    Raises ValueError where `k` is below 1, the widths differ, or as `unit_rows` does.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1: {k}")
    if source.shape[-1] != target.shape[-1]:
        raise ValueError(f"source {tuple(source.shape)}, target {tuple(target.shape)}")
    # Each row's nearest of the other side, from one pass over all cosines.
    forward, backward = _neighbours(unit_rows(source), unit_rows(target), k, block)
    # What each proposes: the neighbour with the highest margin.
    forward_score, forward_best = _best_by_margin(forward, backward)
    backward_score, backward_best = _best_by_margin(backward, forward)
    # Source rows' proposals, then target rows', by falling margin while both rows are free.
    return _take_best_first(
        torch.cat([torch.arange(len(forward_best)), backward_best]),
        torch.cat([forward_best, torch.arange(len(backward_best))]),
        torch.cat([forward_score, backward_score]),
    )


def best_threshold(
    scores: Sequence[float] | NDArray[np.floating] | Tensor,
    is_gold: Sequence[bool] | NDArray[np.bool_] | Tensor,
    n_gold: int,
) -> float:
    """Return the threshold that maximises the F1 of the candidates that score at least it.

    `scores` and `is_gold` are [p], on the CPU, in any order; `n_gold` counts all gold pairs, also
    those nobody proposed. As in jiant and LASER it lies half-way between the last candidate kept
    and the first dropped, prefers fewer candidates among equal F1, and is 0 where no candidate is
    gold. Unlike there, equal scores are kept or dropped together, and the case that every
    candidate is kept works (theirs reads past the end): the threshold is then the lowest score.
    Raises ValueError where the lengths differ or more candidates are gold than there are.
    """
    ranked, gold = np.asarray(scores, dtype=np.float64), np.asarray(is_gold, dtype=bool)
    if ranked.shape != gold.shape:
        raise ValueError(f"{len(ranked)} scores but {len(gold)} labels")
    if gold.sum() > n_gold:
        raise ValueError(f"{gold.sum()} gold candidates but only {n_gold} gold pairs")
    if not gold.any():
        return 0.0
    order = np.argsort(-ranked, kind="stable")
    ranked, correct = ranked[order], gold[order].cumsum()
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of each run of equals
    f1 = 2 * correct[last] / (last + 1 + n_gold)
    best = int(f1.argmax())
    kept = float(ranked[last[best]])
    if best + 1 == len(last):
        return kept
    dropped = float(ranked[last[best + 1]])
    middle = (kept + dropped) / 2
    return middle if middle > dropped else kept  # neighbouring floats have no middle


def mining_f1(
    candidates: Mapping[Pair, float], gold: Collection[Pair], threshold: float
) -> MiningScores:
    """Score the candidate pairs that reach `threshold` (>=) as XTREME's and jiant's BUCC scorers.

    `candidates` maps a pair, such as (other id, English id), to its score; `gold` holds the true
    pairs. Precision, recall and F1 are 0 where no kept pair is gold.
    """
    kept = {pair for pair, score in candidates.items() if score >= threshold}
    truth = set(gold)
    correct = len(kept & truth)
    if not correct:
        return MiningScores(0.0, 0.0, 0.0)
    return MiningScores(
        f1=200.0 * correct / (len(kept) + len(truth)),
        precision=100.0 * correct / len(kept),
        recall=100.0 * correct / len(truth),
    )


@dataclass(frozen=True)
class _Neighbours:
    """The nearest rows of the other side, by falling cosine; both [rows, k]."""

    cosine: Tensor
    index: Tensor

    @classmethod
    def none(cls, like: Tensor) -> "_Neighbours":
        empty = like.new_empty((len(like), 0))
        return cls(empty, empty.to(torch.int64))

    def and_of(self, cosine: Tensor, first: int, k: int) -> "_Neighbours":
        """Return the k nearest of these and of a block [rows, columns] that starts at `first`."""
        new = cosine.topk(min(k, cosine.shape[1]), dim=1)
        cosines = torch.cat([self.cosine, new.values], dim=1)
        indices = torch.cat([self.index, new.indices + first], dim=1)
        best = cosines.topk(min(k, cosines.shape[1]), dim=1)
        return _Neighbours(best.values, indices.gather(1, best.indices))


def _neighbours(
    source: Tensor, target: Tensor, k: int, block: int
) -> tuple[_Neighbours, _Neighbours]:
    """Return the k nearest targets of each source row, and the reverse, from one pass."""
    source_parts, target_parts = source.split(block), target.split(block)
    forward = []
    backward = [_Neighbours.none(part) for part in target_parts]
    for i, rows in enumerate(source_parts):
        neighbours = _Neighbours.none(rows)
        for j, columns in enumerate(target_parts):
            cosine = rows @ columns.T
            neighbours = neighbours.and_of(cosine, j * block, k)
            backward[j] = backward[j].and_of(cosine.T, i * block, k)
        forward.append(neighbours)
    return _joined(forward), _joined(backward)


def _joined(parts: Sequence[_Neighbours]) -> _Neighbours:
    """Stack the blocks' rows, on the CPU and in float64 for the margins."""
    return _Neighbours(
        torch.cat([part.cosine for part in parts]).double().cpu(),
        torch.cat([part.index for part in parts]).cpu(),
    )


def _best_by_margin(own: _Neighbours, other: _Neighbours) -> tuple[Tensor, Tensor]:
    """Return each row's highest margin among its neighbours [rows] and that neighbour [rows]."""
    own_mean = own.cosine.mean(dim=1, keepdim=True)  # [rows, 1]
    other_mean = other.cosine.mean(dim=1)[own.index]  # [rows, k]
    # 0 / 0 happens where all embeddings of a neighbourhood are zero: not a pair.
    margin = torch.nan_to_num(own.cosine / ((own_mean + other_mean) / 2), nan=0.0)
    score, place = margin.max(dim=1)
    return score, own.index.gather(1, place[:, None]).squeeze(1)


def _take_best_first(source: Tensor, target: Tensor, score: Tensor) -> Mined:
    order = torch.argsort(score, descending=True, stable=True)
    order = order[score[order] > 0]
    used_source: set[int] = set()
    used_target: set[int] = set()
    kept = []
    pairs = zip(order.tolist(), source[order].tolist(), target[order].tolist(), strict=True)
    for candidate, i, j in pairs:
        if i not in used_source and j not in used_target:
            used_source.add(i)
            used_target.add(j)
            kept.append(candidate)
    chosen = torch.tensor(kept, dtype=torch.int64)
    return Mined(source[chosen], target[chosen], score[chosen])
