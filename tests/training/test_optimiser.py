from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.tables import TRAINING_SETS
from stilts_repro.training.optimiser import Recipe, make_optimiser, schedule
from stilts_repro.training.sampler import draw_tasks, proportional_weights


@pytest.mark.parametrize(
    ("progress", "warmup", "rate"),
    [
        (0.0, 0.1, 0.0),
        (0.05, 0.1, 0.5),
        (0.1, 0.1, 1.0),
        (0.55, 0.1, 0.5),
        (1.0, 0.1, 0.0),
        (0.0, 0.0, 1.0),
        (0.25, 0.0, 0.75),
        (1.0, 0.0, 0.0),
        (1.2, 0.1, 0.0),
        (0.5, 1.0, 0.5),
    ],
)
def test_the_rate_goes_up_and_down_in_straight_lines(progress, warmup, rate):
    assert schedule(progress, warmup) == pytest.approx(rate)


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_rate_is_a_share_of_the_peak(progress, warmup):
    assert 0.0 <= schedule(progress, warmup) <= 1.0


def test_biases_and_layer_norms_do_not_decay(tiny_model):
    backbone = load_backbone(str(tiny_model), 0)
    model = MultiTaskModel.fresh(backbone, {"mnli": TRAINING_SETS["mnli"].format}, 0)
    optimiser = make_optimiser(model, Recipe(learning_rate=3e-4, weight_decay=0.07, epsilon=1e-6))
    decayed, free = optimiser.param_groups
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    of_decayed = {names[id(parameter)] for parameter in decayed["params"]}
    of_free = {names[id(parameter)] for parameter in free["params"]}
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.07, 0.0)
    assert {group["eps"] for group in optimiser.param_groups} == {1e-6}
    assert {group["lr"] for group in optimiser.param_groups} == {3e-4}
    assert of_decayed | of_free == set(names.values())
    assert of_decayed.isdisjoint(of_free)
    assert of_free == {n for n in names.values() if n.endswith("bias") or "LayerNorm" in n}
    shapes = {name: parameter.dim() for name, parameter in model.named_parameters()}
    assert {shapes[name] for name in of_free} == {1}
    assert {shapes[name] for name in of_decayed} == {2}
    assert {"backbone.pooler.dense.weight", "heads.mnli.linear.weight"} <= of_decayed


def test_frozen_parameters_are_left_out(tiny_model):
    backbone = load_backbone(str(tiny_model), 0)
    backbone.embeddings.requires_grad_(False)
    optimiser = make_optimiser(backbone, Recipe())
    held = sum(len(group["params"]) for group in optimiser.param_groups)
    assert held == len(list(backbone.parameters())) - len(list(backbone.embeddings.parameters()))


def test_tasks_are_drawn_in_proportion_to_their_size():
    sizes = {"big": 800, "small": 100, "tiny": 100}
    assert proportional_weights(sizes) == {"big": 0.8, "small": 0.1, "tiny": 0.1}
    capped = proportional_weights(sizes, cap=200)
    assert capped == {"big": 0.5, "small": 0.25, "tiny": 0.25}
    rooted = proportional_weights({"big": 16, "small": 1}, temperature=2.0)
    assert rooted == pytest.approx({"big": 0.8, "small": 0.2})
    both = proportional_weights({"big": 400, "small": 4}, cap=16, temperature=2.0)
    assert both == pytest.approx({"big": 4 / 6, "small": 2 / 6})
    flat = proportional_weights(sizes, temperature=1e9)
    assert flat == pytest.approx(dict.fromkeys(sizes, 1 / 3))


def test_draws_follow_the_weights_and_the_generator():
    weights = {"a": 0.7, "b": 0.25, "c": 0.05}

    def drawn(weights, seed, count=4000):
        stream = draw_tasks(weights, np.random.default_rng(seed))
        return [next(stream) for _ in range(count)]

    counts = Counter(drawn(weights, 0))
    assert {name: counts[name] / 4000 for name in weights} == pytest.approx(weights, abs=0.025)
    assert drawn(weights, 1) == drawn(dict(reversed(weights.items())), 1)
    assert drawn(weights, 1) != drawn(weights, 2)
