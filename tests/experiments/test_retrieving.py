"""Where sentence vectors are compared."""

from types import SimpleNamespace

import pytest
import torch

from stilts_repro.experiments import retrieving
from stilts_repro.experiments.records import Meter
from stilts_repro.experiments.retrieving import Retriever
from stilts_repro.machine import Machine
from stilts_repro.tasks.retrieval import Pool, mine_pool


@pytest.mark.parametrize("device", ["cpu", "meta"])  # "meta" stands for a GPU
def test_mining_runs_where_the_backbone_is(device, monkeypatch):
    pool = SimpleNamespace(source=("a", "b"), target=("c", "d"))
    material = SimpleNamespace(pools=lambda task, part: {"de": pool})
    config = SimpleNamespace(num_hidden_layers=2)
    backbone = SimpleNamespace(device=torch.device(device), config=config)
    mined = []
    monkeypatch.setattr(Retriever, "_embed", lambda self, texts, _: torch.ones(1, len(texts), 4))
    monkeypatch.setattr(retrieving, "mine_pool", lambda pool, *sides: mined.append(sides))
    Retriever(backbone, material, Meter(), Machine())._mine("bucc2018", "dev")
    (sides,) = mined
    assert [side.device.type for side in sides] == [device, device]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_mines_what_a_cpu_does():
    draws = torch.Generator().manual_seed(0)
    source = torch.randn(60, 16, generator=draws)
    target = source + 0.3 * torch.randn(60, 16, generator=draws)
    ids = [tuple((f"{side}{i}",) for i in range(60)) for side in ("s", "t")]
    texts = [tuple(i for (i,) in side) for side in ids]
    pool = Pool(*texts, *ids, frozenset(zip(*texts, strict=True)))
    here = mine_pool(pool, source, target).candidates
    there = mine_pool(pool, source.cuda(), target.cuda()).candidates
    assert there == pytest.approx(here, rel=1e-4)
