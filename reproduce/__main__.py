"""`python -m reproduce`: check the paper's claims; see `python -m reproduce --help`."""

import sys

from stilts_repro.experiments import forking

LOOKS = {"-h", "--help", "--list", "--tasks", "--plan"}  # what runs no jobs

if __name__ == "__main__":
    if LOOKS.isdisjoint(sys.argv):
        forking.start()  # first of all: workers get ready while the rest is imported and read
    from reproduce.command import main

    sys.exit(main())
