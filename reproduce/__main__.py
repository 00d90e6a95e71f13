"""`python -m reproduce`: check the paper's claims; see `python -m reproduce --help`."""

import sys

from reproduce.command import main

if __name__ == "__main__":
    sys.exit(main())
