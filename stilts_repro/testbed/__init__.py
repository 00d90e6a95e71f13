"""The testbed: meanings that eight invented languages realise, as rows and as documents."""

from stilts_repro.testbed.source import TestbedSource

__all__ = ["TestbedSource"]
