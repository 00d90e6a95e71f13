"""torch.compile: one graph for all layers and lengths, the kernels in it, and equal numbers."""

import shutil

import pytest
import torch
from torch._dynamo.exc import BackendCompilerFailed

from stilts_repro.errors import MissingError
from stilts_repro.models import attention, backbone, kernels
from stilts_repro.models.attention import PACKS
from stilts_repro.models.backbone import compile_layers
from stilts_repro.models.families import run
from tests.models.test_attention import batch_of, gradients, put_on

BATCHES = [
    batch_of(lengths, seed=1) for lengths in [(9, 1, 12, 3, 62, 2), (5, 7, 8), (6, 6), (7, 8)]
]
COMPILER = any(shutil.which(name) for name in ("g++", "clang++", "c++"))


@pytest.fixture(autouse=True)
def fresh():
    """Forget what was compiled before and after."""
    found_out = backbone._compiler_problem
    torch._dynamo.reset()
    found_out.cache_clear()
    yield
    torch._dynamo.reset()
    found_out.cache_clear()


@pytest.fixture
def traced(monkeypatch):
    """Graphs are traced only: no compiler is needed."""
    monkeypatch.setattr(backbone, "_compiler_problem", lambda device: "")


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("kind", PACKS)
@pytest.mark.parametrize(("name", "graphs"), [("sdpa", 2), ("block", 1), ("varlen", 1)])
def test_one_graph_serves_all_layers_and_lengths(started, monkeypatch, kind, name, graphs):
    """Padded, it is one with a mask and one without."""
    backbone = put_on(started(kind), name).backbone.train()
    monkeypatch.setattr(kernels, "varlen_kernel", lambda query, *_, **__: query + 0)
    made = []

    def keep(graph, _):
        made.append(graph)
        return graph.forward

    compile_layers(backbone, fullgraph=True, backend=keep)
    for batch in BATCHES:
        run(backbone, attention.ready(backbone, batch), "token")
    assert len(made) == graphs


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize(
    ("dropout", "kernel"), [(0.0, "_varlen_attn"), (0.1, "_flash_attention_forward")]
)
def test_the_kernels_for_packed_rows_are_in_it(started, dropout, kernel):
    """Traced only: they run on GPUs."""
    found = []

    def look(graph, _):
        found.extend(str(node.target) for node in graph.graph.nodes)
        raise NotImplementedError

    backbone = put_on(started("xlm-roberta"), "varlen").backbone.train()
    for module in backbone.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
    compile_layers(backbone, fullgraph=True, backend=look)
    with pytest.raises(BackendCompilerFailed):
        run(backbone, attention.ready(backbone, BATCHES[0]), "token")
    assert [target for target in found if kernel in target]


@pytest.mark.skipif(not COMPILER, reason="no C++ compiler")
@pytest.mark.parametrize("name", ["sdpa", "block"])
def test_losses_and_gradients_are_those_of_the_model_itself(started, name):
    plain, compiled = (put_on(started("xlm-roberta"), name) for _ in range(2))
    names = set(compiled.state_dict())
    compile_layers(compiled.backbone)
    for batch in BATCHES:
        expected = gradients(plain, "tags", batch)
        found = gradients(compiled, "tags", batch)
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            torch.testing.assert_close(found[key], value, rtol=0, atol=1e-5, msg=key)
    assert set(compiled.state_dict()) == names


def test_a_machine_without_a_compiler_is_one_line(started, monkeypatch):
    monkeypatch.setattr(torch._inductor.config.cpp, "cxx", (None, "no-such-compiler"))
    monkeypatch.setattr(torch._inductor.config, "force_disable_caches", True)
    with pytest.raises(MissingError, match="STILTS_COMPILE=1: torch cannot compile here") as caught:
        compile_layers(started("bert").backbone)
    assert "\n" not in str(caught.value)
