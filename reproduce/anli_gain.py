"""Average gain over the nine targets after training on ANLI+ (paper: +6.6)."""

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import after
from stilts_repro.run.gains import gain_claim

CLAIM = gain_claim("anli_gain", after("anli"))

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
