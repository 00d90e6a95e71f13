"""Command lines that complain in one line."""

import argparse
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line; its subcommands' parsers are of its class."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2."""
        print(f"{self.prog.removeprefix('python -m ')}: {message} (see --help)", file=sys.stderr)
        sys.exit(2)
