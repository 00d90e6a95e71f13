"""`--data`: the testbed, the hub, a directory laid out like it, or the hub and a directory."""

from functools import lru_cache
from pathlib import Path

from stilts_repro.data.hub import HubSource
from stilts_repro.data.overlay import OverlaySource
from stilts_repro.data.source import CachedSource, DirectorySource, Source
from stilts_repro.errors import InputError
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.testbed.source import TestbedSource


def open_source(data: str) -> Source:
    """Return the source named by `--data`: `testbed`, `hub`, `hub+DIR` (DIR first) or `DIR`.

    Raises `InputError` where a directory is not there.
    """
    if data == "testbed":
        return TestbedSource()
    if data == "hub":
        return HubSource()
    if data.startswith("hub+"):
        folder = data.removeprefix("hub+")
        if not folder:
            raise InputError(f"--data {data}: no directory after the +; give --data hub+DIR")
        return OverlaySource(DirectorySource(Path(folder)), HubSource())
    return DirectorySource(Path(data))


@lru_cache(maxsize=2)
def inventory_of(data: str, evaluation_rows: int | None) -> Inventory:
    """Return the checked data of a source; a worker process reads each set once."""
    return Inventory(CachedSource(open_source(data)), evaluation_rows)
