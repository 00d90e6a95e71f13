"""`python -m reproduce`: check the paper's claims; see `python -m reproduce --help`."""

import sys
from contextlib import suppress

from stilts_repro.commands import ended
from stilts_repro.experiments import forking

LOOKS = {"-h", "--help", "--list", "--tasks", "--plan"}  # what runs no jobs


def start() -> int:
    """Run the command; return its exit status."""
    if sys.argv[1:2] == ["compare"]:
        from stilts_repro.cli import compare

        return compare.main(sys.argv[2:])
    if sys.argv[1:2] == ["store"]:
        from stilts_repro.cli import store

        return store.main(sys.argv[2:])
    if sys.argv[1:2] == ["doctor"]:
        from reproduce.catalogue import all_claims
        from stilts_repro.cli import doctor

        return doctor.main(all_claims().values(), sys.argv[2:])
    if LOOKS.isdisjoint(sys.argv):
        with suppress(OSError):  # who needs workers says why there are none
            forking.start()  # first of all: they get ready while the rest is imported and read
    from reproduce.catalogue import all_claims, all_studies
    from stilts_repro.cli.reproduce import main, study

    if sys.argv[1:2] == ["study"]:
        return study(all_studies().values(), sys.argv[2:])
    return main(all_claims().values())


if __name__ == "__main__":
    sys.exit(ended("reproduce", start, resumes=True))
