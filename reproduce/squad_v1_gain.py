"""Average gain over the nine targets after training on SQuAD v1.1 (paper: +8.1)."""

from reproduce.command import main
from stilts_repro.claims.grid import gain_claim

CLAIM = gain_claim(
    "squad_v1_gain",
    row="squad_v1",
    statement=(
        "Intermediate training on English SQuAD v1.1 raises the average over the nine "
        "target tasks by 8.1 points."
    ),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
