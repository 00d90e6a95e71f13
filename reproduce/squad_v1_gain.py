"""Average gain over the nine targets after training on SQuAD v1.1 (paper: +8.1)."""

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import after
from stilts_repro.run.gains import gain_claim

CLAIM = gain_claim("squad_v1_gain", after("squad_v1"))

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
