"""A model too large for one GPU: its weights, gradients and moments spread over all processes.

torch's FSDP2 gathers a layer when it is read and gives it back after. What is trained is a copy;
the model itself stays whole, on the leading process's device, and has the copy's weights whenever
it is evaluated: that takes a quarter of what training it there would.
"""

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from stilts_repro.data.features import Batch
from stilts_repro.data.packing import part_of
from stilts_repro.errors import InputError
from stilts_repro.machine import SHARD, Machine
from stilts_repro.models.backbone import layers_of
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.training.ranks import Ranks


def spread(
    model: MultiTaskModel, recipe: Recipe, machine: Machine
) -> tuple[MultiTaskModel, Callable[[], None]]:
    """Return what is to be trained, and what brings its weights back to `model`.

    Unless `machine` shards, that is `model` itself. All processes call both. Raises `InputError`
    where `recipe` trains a part of the embeddings.
    """
    if not machine.sharded:
        return model, lambda: None
    if recipe.embeddings != "whole":
        raise InputError(
            f"{SHARD}=1: the recipe trains the embeddings {recipe.embeddings!r}, and spread weights"
            " are trained whole; leave it out"
        )
    mesh = init_device_mesh(machine.device, (machine.processes,))
    trained = copy.deepcopy(model)
    for module in (*layers_of(trained.backbone), trained):
        spread_out = _shard(module, mesh)
        # A step's loss is the sum of what all processes compute, not the mean (`ranks`).
        spread_out.set_gradient_divide_factor(1.0)
        spread_out.set_force_sum_reduction_for_comms(True)  # gloo has no other

    @torch.no_grad()
    def bring_back() -> None:
        held = dict(model.named_parameters())
        for name, parameter in trained.named_parameters():
            weights = whole(parameter)
            if Ranks.here().leads:
                held[name].copy_(weights)

    return trained, bring_back


def _shard(module: nn.Module, mesh: DeviceMesh) -> FSDPModule:
    fully_shard(module, mesh=mesh)
    assert isinstance(module, FSDPModule)
    return module


def whole(tensor: Tensor) -> Tensor:
    """Return `tensor` with all its parts, which all processes ask for at once."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def like(tensor: Tensor, other: Tensor) -> Tensor:
    """Return whole `tensor` spread as `other` is."""
    if not isinstance(other, DTensor):
        return tensor
    return distribute_tensor(tensor.to(other.device), other.device_mesh, other.placements)


def idle(parts: Sequence[Batch], batch: Batch, machine: Machine) -> list[Batch]:
    """Return what to compute besides `parts` of `batch`, for nothing.

    Gathering a layer takes all processes: each reads as often as the one that has the most parts.
    """
    if not machine.sharded:
        return []
    most = torch.tensor(len(parts), device=machine.device)
    distributed.all_reduce(most, distributed.ReduceOp.MAX)
    return [part_of(batch, np.s_[0:1])] * (int(most) - len(parts))
