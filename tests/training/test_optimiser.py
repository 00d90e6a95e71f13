import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.training.optimiser import Recipe, make_optimiser, schedule


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
