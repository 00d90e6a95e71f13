"""Tatoeba: finding the translation of each sentence as its nearest neighbour."""

import torch
from torch import Tensor


def retrieval_accuracy(queries: Tensor, database: Tensor, *, block: int = 4096) -> float:
    """Return the share of queries i whose nearest database row is row i, in points.

    `queries` and `database` are [n, d]. In jiant (and so in the paper) the queries are the ENGLISH
    sentences and the database is the other language; the caller passes them so.
    Raises ValueError where the shapes differ or there is no row.
    """
    if queries.shape != database.shape:
        raise ValueError(f"queries {tuple(queries.shape)}, database {tuple(database.shape)}")
    found = nearest(queries, database, block=block)
    labels = torch.arange(len(queries), device=found.device)
    return 100.0 * int((found == labels).sum()) / len(queries)


def nearest(queries: Tensor, database: Tensor, *, block: int = 4096) -> Tensor:
    """Return each query's nearest database row by cosine, [n] int64; ties go to the lowest row.

    A query of zeros, or with a number that is not finite, has none: -1.

    `queries` is [n, d] and `database` [m, d]; they are normalised here. At most `block` x `block`
    similarities exist at a time. This is jiant's exact search by L2 distance between unit vectors.
    Raises ValueError as `unit_rows` does.
    """
    queries, database = unit_rows(queries), unit_rows(database)
    found = []
    for rows in queries.split(block):
        best = rows.new_full((len(rows),), -torch.inf)
        index = torch.zeros(len(rows), dtype=torch.int64, device=rows.device)
        for low, columns in zip(range(0, len(database), block), database.split(block), strict=True):
            value, column = (rows @ columns.T).max(dim=1)  # the first of equal values
            better = value > best
            best = torch.where(better, value, best)
            index = torch.where(better, column + low, index)
        found.append(index.where(rows.any(dim=1), -1))
    return torch.cat(found)


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
