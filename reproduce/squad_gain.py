"""Average gain over the nine targets after training on SQuAD v2.0 (paper: +8.2)."""

from reproduce.command import main
from stilts_repro.claims.grid import gain_claim

CLAIM = gain_claim(
    "squad_gain",
    row="squad_v2",
    statement=(
        "Intermediate training on English SQuAD v2 raises the average over the nine target "
        "tasks by 8.2 points."
    ),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
