"""XNLI in all languages as one stream, next to a padded loop a language.

The peer goes the way of transformers' examples: a run of the model a language, in the order of the
rows, each padded to 128 tokens. Its batches of 32 are larger than the examples' usual eight.
"""

from itertools import chain

import numpy as np
import pytest
import torch

from stilts_repro.evaluation.predict import predict
from stilts_repro.models.attention import backend
from stilts_repro.tasks.targets import TARGET_TASKS
from tests.benchmarks import given, trainer
from tests.benchmarks.timing import device, machine, measure, same_logits

pytestmark = pytest.mark.benchmark(group="evaluation")

ROWS = 40  # a language
BATCH = 32


def padded(features):
    """Return ids and mask of every row, padded to the length limit, [rows, 128] each."""
    rows = trainer.as_shipped(features).with_format("torch")
    return torch.stack([*rows["input_ids"]]), torch.stack([*rows["attention_mask"]])


@torch.no_grad()
def loop(model, inputs):
    model.eval()
    found = []
    for ids, mask in inputs:
        for low in range(0, len(ids), BATCH):
            part = slice(low, low + BATCH)
            with machine().autocast():
                logits = model(
                    input_ids=ids[part].to(device()), attention_mask=mask[part].to(device())
                ).logits
            found.append(logits.float().cpu().numpy())
    return np.concatenate(found)


def test_all_languages_next_to_a_loop_over_them(benchmark, shape):
    kind, rows = TARGET_TASKS["xnli"].format, given.test_rows("xnli", ROWS)
    everything = list(chain.from_iterable(rows.values()))
    stream = kind.featurise(everything, given.tokenizer(), given.LIMITS)
    inputs = [
        padded(kind.featurise(held, given.tokenizer(), given.LIMITS)) for held in rows.values()
    ]
    model = given.model(shape, "mnli")
    peer = trainer.classifier(model, "mnli")

    def ours():
        return predict(model, "mnli", stream, given.pad_id(), machine())

    same_logits(ours(), loop(peer, inputs))
    measure(
        benchmark,
        ours,
        {"tokens": stream.tokens},
        peer=("a padded loop a language", lambda: loop(peer, inputs)),
        model=shape.name,
        attention=backend(model.backbone),
        flops=shape.flops(np.diff(stream.offsets)),
        memory=False,  # the peer's weights are there too
    )
