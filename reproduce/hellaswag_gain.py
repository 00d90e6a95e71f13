"""Average gain over the nine targets after training on HellaSwag (paper: +7.0)."""

from reproduce.command import main
from stilts_repro.claims.grid import gain_claim

CLAIM = gain_claim(
    "hellaswag_gain",
    row="hellaswag",
    statement=(
        "Intermediate training on English HellaSwag raises the average over the nine target "
        "tasks by 7.0 points."
    ),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
