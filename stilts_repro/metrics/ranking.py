"""How far up the right answers are: mean average precision, cut off (LAReQA, Mewsli-X)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from stilts_repro.metrics.retrieval import unit_rows

CUT = 20  # XTREME-R looks at so many


def average_precision(ranks: Sequence[int], right: int, cut: int = CUT) -> float:
    """Return the average precision of a question, 0 to 1.

    `ranks` are those of right answers, from 1 and rising; `right` is how many there are in all. No
    more than `cut` can be found, so that is the most that it is divided by. Raises ValueError where
    there is none to find.
    """
    if right < 1:
        raise ValueError("a question without an answer")
    kept = [rank for rank in ranks if rank <= cut]
    return sum(found / rank for found, rank in enumerate(kept, 1)) / min(right, cut)


def nearest_rows(
    queries: Tensor, database: Tensor, count: int = CUT, *, block: int = 1024
) -> Tensor:
    """Return the places of each query's `count` nearest rows by cosine, best first, [n, count].

    `queries` are [n, d], `database` [m, d]; there are fewer columns where m is smaller.
    """
    queries, database = unit_rows(queries), unit_rows(database)
    most = min(count, len(database))
    return torch.cat([(rows @ database.T).topk(most).indices for rows in queries.split(block)])
