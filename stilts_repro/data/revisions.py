"""Which commit of each hub data set is loaded, and how that commit is known.

A commit names its content: with a wrong one nothing loads, it never loads other rows.
"""

from dataclasses import dataclass
from typing import Literal

# loaded: rows were loaded at this commit with this package.
# cited: public text names this commit for this data set; nobody has loaded it here yet.
# none: no commit is known; the hub's current one is taken at first use.
Provenance = Literal["loaded", "cited", "none"]


@dataclass(frozen=True)
class Pin:
    """A data set's commit (40 hex digits, None: not pinned) and where it was seen."""

    commit: str | None
    provenance: Provenance
    seen: str


PINS = {
    "google/xtreme": Pin(
        "ec5f1f46e9af79639a90684a7a70a956c4998f04",
        "cited",
        "webmasterscity/leobot2026 experiments/f18_pawsx_inventory.py (PAWS-X.es), and a report "
        "and its code that reproduce FT2, HPDC 2025 (MLQA.en.en)",
    ),
    "nyu-mll/glue": Pin(
        "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
        "cited",
        "zenml-io/zenml src/zenml/integrations/huggingface/materializers/"
        "huggingface_datasets_materializer.py, and nine more files",
    ),
    "stanfordnlp/snli": Pin(
        "cdb5c3d5eed6ead6e5a341c8e56e669bb666725b",
        "cited",
        "ten files that name data set and commit together, among them the card of the data set "
        "Decision Lab V3",
    ),
    "facebook/anli": Pin(
        "8e4813d81f46d313dac7892e1c28076917cfcdf9",
        "cited",
        "ten files that name data set and commit together; one lists 16,946, 45,460 and 100,459 "
        "training rows",
    ),
    "rajpurkar/squad": Pin(
        "7b6d24c440a36b6815f21b70d25016731768db1f",
        "cited",
        "NVIDIA/dgxc-benchmarking llama3/finetune/README.md (plain_text), and nine more files",
    ),
    "rajpurkar/squad_v2": Pin(
        "3ffb306f725f7d2ce8394bc1873b24868140c412",
        "cited",
        "ten files that name data set and commit together; one counts 130,319 training rows",
    ),
    "Rowan/hellaswag": Pin(
        "218ec52e09a7e7462a5400043bb9a69a41d06b76",
        "cited",
        "MelvTheGoat/LLM gptlab/hellaswag.py (10,042 validation rows as parquet), and nine more "
        "files; commit 6002345709e0801764318f06bf06ce1e7d1a1fe3, also cited, is older and needs "
        "code",
    ),
    "tau/commonsense_qa": Pin(
        "94630fe30dad47192a8546eb75f094926d47e155",
        "cited",
        "huggingface/smollm text/evaluation/tasks.py, and nine more files",
    ),
}

_CONVERT = "convert the official files with `python -m stilts_repro.convert"

# What the hub does not have as plain data, and what to do instead. It is never asked for these:
# code of a data set is not run, and anybody might put other rows under a name that is free.
LOCAL_ONLY = {
    "allenai/cosmos_qa": f"{_CONVERT} cosmosqa FOLDER --output DIR` and give --data hub+DIR",
    "ldc/ccgbank": f"{_CONVERT} ccgbank LDC2005T13 --output DIR` and give --data hub+DIR",
    "google-research/mewsli-x": f"{_CONVERT} mewslix FOLDER --output DIR` and give --data hub+DIR",
    "allenai/social_i_qa": "put its rows as parquet into DIR and give --data hub+DIR",
    "substitutes/ccg-supertag": "put such rows into DIR and give --data DIR or hub+DIR",
}


def pinned(repo: str) -> str | None:
    """Return the commit to load `repo` at, None where it is not pinned."""
    return PINS[repo].commit if repo in PINS else None
