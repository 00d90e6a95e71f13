"""Average gain over the nine targets after training on CCG supertagging (paper: +4.1)."""

from reproduce.command import main
from stilts_repro.claims.grid import gain_claim

CLAIM = gain_claim(
    "ccg_gain",
    row="ccg",
    statement=(
        "Intermediate training on English CCG supertagging raises the average over the nine "
        "target tasks by 4.1 points."
    ),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
