"""Average gain over the nine targets after training on Cosmos QA (paper: +6.1)."""

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import after
from stilts_repro.run.gains import gain_claim

CLAIM = gain_claim("cosmosqa_gain", after("cosmosqa"))

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
