"""Average gain over the nine targets after training on QQP (paper: -1.5)."""

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import after
from stilts_repro.run.gains import gain_claim

CLAIM = gain_claim("qqp_gain", after("qqp"))

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
