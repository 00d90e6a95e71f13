"""The claims, one a script: the five headline numbers, then the rest in the paper's order."""

from importlib import import_module

from stilts_repro.run.grid import Claim
from stilts_repro.run.studies import Study

# The five headline claims, the rest of Table 2 from its top, what the paper says besides, and
# what is not trained.
ORDER = (
    *("squad_gain", "mnli_gain", "hellaswag_gain", "multitask_gain", "xtreme_gain"),
    *("anli_gain", "qqp_gain", "squad_v1_gain", "ccg_gain", "cosmosqa_gain", "csqa_gain"),
    *("retrieval_gain", "tydiqa_gain", "xnli_no_gain", "multitask_best"),
    *("mlm_continuation", "translated_data"),
    *("intermediate_learned", "intermediate_loss"),
    *("control_shuffled", "control_random", "control_unrelated"),
    *("published_tables", "bucc_baseline", "tatoeba_baseline"),
)
STUDIES = (
    *("scaling", "alignment", "morphology", "data_size", "architecture", "calibration"),
    *("commonsense", "xtreme_r"),
)


def all_claims() -> dict[str, Claim]:
    """Return every script's claim by id."""
    return {name: import_module(f"reproduce.{name}").CLAIM for name in ORDER}


def all_studies() -> dict[str, Study]:
    """Return every study by id."""
    return {name: import_module(f"reproduce.studies.{name}").STUDY for name in STUDIES}
