"""How a model is read where that is not its family's usual way; `models.families` does it.

encoder   an encoder-decoder by its encoder alone
unmasked  a decoder without its mask, so that each token sees all
repeated  a decoder that is given its input twice and read at the second, which has seen all

It is said in the configuration, so that what is saved of a model is read in the same way.
"""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # transformers takes two seconds to import it; who only plans needs no model
    from transformers import PreTrainedConfig

Kind = Literal["encoder", "decoder", "encoder_decoder"]  # of model
Way = Literal["", "encoder", "unmasked", "repeated"]
WAY = "stilts_reading"


def way_of(config: "PreTrainedConfig") -> Way:
    """Return the way in which a model with `config` is read; "" for the usual one."""
    way: Way = getattr(config, WAY, "")
    return way
