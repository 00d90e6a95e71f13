"""Average gain over the nine targets after training on MNLI (paper: +7.5)."""

from reproduce.command import main
from stilts_repro.claims.grid import gain_claim

CLAIM = gain_claim(
    "mnli_gain",
    row="mnli",
    statement=(
        "Intermediate training on English MNLI raises the average over the nine target "
        "tasks by 7.5 points."
    ),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
