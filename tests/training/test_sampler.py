from collections import Counter

import numpy as np
import pytest

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.training.loop import TrainingTask
from stilts_repro.training.optimiser import Recipe
from stilts_repro.training.sampler import PROPORTIONAL, Sampler, draw_tasks

SIZES = {"big": 800, "small": 100, "tiny": 100}


def task(rows, **recipe):
    features = Features.of([[0, 1]] * rows, unit={"label": [0] * rows})
    return TrainingTask(features, Recipe(**{"batch_size": 8, "epochs": 2, **recipe}))


def test_shares_follow_the_rule():
    assert PROPORTIONAL.weights(SIZES) == {"big": 0.8, "small": 0.1, "tiny": 0.1}
    rooted = Sampler(temperature=2.0).weights({"big": 16, "small": 1})
    assert rooted == pytest.approx({"big": 0.8, "small": 0.2})
    flat = Sampler(temperature=None).weights(SIZES)
    assert flat == pytest.approx(dict.fromkeys(SIZES, 1 / 3))
    for cold in (1e-3, 1e-320):  # 800 to the power 1000 is no float
        coldest = Sampler.parse(f"temperature:{cold}").weights(SIZES)
        assert coldest == {"big": 1.0, "small": 0.0, "tiny": 0.0}


def test_a_cap_counts_rows():
    assert task(100).steps() == 26  # two epochs of thirteen batches
    assert task(100).steps(16) == 4
    assert task(10).steps(16) == task(10).steps()


@pytest.mark.parametrize(
    ("text", "sampler"),
    [
        ("proportional", Sampler()),
        ("uniform", Sampler(temperature=None)),
        ("capped:4000", Sampler(cap=4000)),
        ("temperature:2", Sampler(temperature=2.0)),
        ("capped:4000,temperature:2.5", Sampler(4000, 2.5)),
    ],
)
def test_a_sampler_is_read_as_it_is_written(text, sampler):
    assert Sampler.parse(text) == sampler
    assert str(sampler) == text


@pytest.mark.parametrize(
    "text", ["", "capped", "capped:0", "capped:many", "temperature:0", "temperature:inf", "t5"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(InputError, match="give proportional, uniform, capped:ROWS"):
        Sampler.parse(text)


def test_draws_follow_the_weights_and_the_generator():
    weights = {"a": 0.7, "b": 0.25, "c": 0.05}

    def drawn(weights, seed, count=4000):
        stream = draw_tasks(weights, np.random.default_rng(seed))
        return [next(stream) for _ in range(count)]

    counts = Counter(drawn(weights, 0))
    assert {name: counts[name] / 4000 for name in weights} == pytest.approx(weights, abs=0.025)
    assert drawn(weights, 1) == drawn(dict(reversed(weights.items())), 1)
    assert drawn(weights, 1) != drawn(weights, 2)
