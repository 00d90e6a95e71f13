"""What is said of a model that cannot be used."""

import pytest


def refusal(kind, load, path, *arguments):
    """Return the one line by which `load` refuses the model at `path`, an error of `kind`."""
    with pytest.raises(kind) as caught:
        load(str(path), *arguments)
    message = str(caught.value)
    assert message.startswith(f"--model {path}: ")
    assert "\n" not in message
    return message
