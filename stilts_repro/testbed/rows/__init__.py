"""Rows with the columns of the hub's data sets: a module a data set, or a few that are alike.

In each, functions called `draw_...` draw meanings, from a random stream and what the split may use;
a function called like the data set makes of them a row in one language. So rows that are drawn from
equal streams in two languages are translations of each other.
"""

import random
from typing import Any, NamedTuple

from stilts_repro.testbed.grammar import Grammar
from stilts_repro.testbed.world import Sampler

XTREME = "google/xtreme"
XQUAD_R = "google-research-datasets/xquad_r"
Row = dict[str, Any]


class Draw(NamedTuple):
    """All that one row may depend on; `number` counts meanings, not rows.

    `subset` is the hub's name for the rows' split.
    """

    rng: random.Random
    sampler: Sampler
    speaker: Grammar
    subset: str
    number: int

    @property
    def split(self) -> str:
        """Whose events the row may use: 'train', 'validation' or 'test'."""
        return self.sampler.split

    def row_id(self, data_set: str) -> str:
        """Return the row's identifier."""
        return f"{data_set}-{self.split}-{self.number}"
