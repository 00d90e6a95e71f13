"""Average gain over the nine targets after training on ANLI+ (paper: +6.6)."""

from reproduce.command import main
from stilts_repro.claims.grid import gain_claim

CLAIM = gain_claim(
    "anli_gain",
    row="anli",
    statement=(
        "Intermediate training on English ANLI+ (ANLI, MNLI and SNLI) raises the average "
        "over the nine target tasks by 6.6 points."
    ),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
