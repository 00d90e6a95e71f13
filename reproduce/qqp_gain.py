"""Average gain over the nine targets after training on QQP (paper: -1.5)."""

from reproduce.command import main
from stilts_repro.claims.grid import gain_claim

CLAIM = gain_claim(
    "qqp_gain",
    row="qqp",
    statement=(
        "Intermediate training on English QQP lowers the average over the nine target tasks "
        "by 1.5 points."
    ),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
