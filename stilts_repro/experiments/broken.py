"""Rows for which a model gave no finite numbers: few count as wrong, many end the run."""

import sys
from collections.abc import Mapping, Sequence

from stilts_repro.errors import InputError

# More than one row of a hundred is no odd row any more: the score would be the breakage's.
MOST = 0.01


def tolerated(
    what: str, broken: Mapping[str, Sequence[int]], of: Mapping[str, int]
) -> dict[str, int]:
    """Return how many rows of each language count as wrong, and say so on stderr.

    `what` names job, task and part; `broken` holds the places of such rows, `of` how many rows
    there are. Raises `InputError` where they are more than one, and more than `MOST`, of a
    language's.
    """
    found = {code: places for code, places in broken.items() if places}
    for code, places in found.items():
        told = (
            f"{what}, {code}: the model's output is not finite on {len(places)} of {of[code]} rows "
            f"(the first is row {places[0]})"
        )
        if len(places) > max(1, MOST * of[code]):
            raise InputError(f"{told}; its weights are broken or overflow, use another model")
        print(f"  {told}; counted as wrong", file=sys.stderr, flush=True)
    return {code: len(places) for code, places in found.items()}
