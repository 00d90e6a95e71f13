"""Average gain over the nine targets after training on Cosmos QA (paper: +6.1)."""

from reproduce.command import main
from stilts_repro.claims.grid import gain_claim

CLAIM = gain_claim(
    "cosmosqa_gain",
    row="cosmosqa",
    statement=(
        "Intermediate training on English Cosmos QA raises the average over the nine target "
        "tasks by 6.1 points."
    ),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
