"""Average gain over the nine targets after training on CommonsenseQA (paper: +6.5)."""

from reproduce.command import main
from stilts_repro.claims.grid import gain_claim

CLAIM = gain_claim(
    "csqa_gain",
    row="csqa",
    statement=(
        "Intermediate training on English CommonsenseQA raises the average over the nine "
        "target tasks by 6.5 points."
    ),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
