"""Average gain over the nine targets after training on SQuAD v2.0 (paper: +8.2)."""

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import after
from stilts_repro.run.gains import gain_claim

CLAIM = gain_claim("squad_gain", after("squad_v2"))

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
