"""What can go wrong for a user, each with the exit status that the command line returns.

A message is one line: what is wrong, where it is, and what to do about it.
"""


class StiltsError(Exception):
    """Base of every error that a user can cause and mend; printed as one line, no traceback."""

    exit_status = 1


class InputError(StiltsError):
    """Bad usage or bad input: an unknown name, a malformed row, a broken file (exit status 2)."""

    exit_status = 2


class MissingError(StiltsError):
    """Something needed is not there: data, weights, a network, hardware (exit status 3)."""

    exit_status = 3
