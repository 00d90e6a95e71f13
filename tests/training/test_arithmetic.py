from types import SimpleNamespace

import pytest
import torch

from stilts_repro.errors import InputError
from stilts_repro.experiments import environment
from stilts_repro.experiments.platform import platform_fingerprint
from stilts_repro.models.attention import ATTENTION
from stilts_repro.models.compiling import COMPILE
from stilts_repro.run.request import plan_of
from stilts_repro.training.arithmetic import (
    PRECISION,
    THREADS,
    TOKENS,
    autocast,
    threads,
    tokens_at_once,
    uses_bf16,
)

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def as_usual(monkeypatch):
    """Nothing is asked for, and the test's machine has no GPU."""
    monkeypatch.delenv(PRECISION, raising=False)
    monkeypatch.delenv(THREADS, raising=False)
    monkeypatch.delenv(TOKENS, raising=False)
    monkeypatch.delenv(ATTENTION, raising=False)
    monkeypatch.delenv(COMPILE, raising=False)
    monkeypatch.setattr(environment, "device", lambda: CPU)
    platform_fingerprint.cache_clear()
    yield
    platform_fingerprint.cache_clear()


@pytest.fixture(params=["avx512_bf16", "avx512_f", ""])
def processor(request, monkeypatch):
    """A processor that has one thing; by '' nothing is known of it (older torch)."""
    if request.param:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {request.param: True})
    else:
        monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    return request.param


def test_a_cpu_computes_on_one_thread_in_bf16_if_it_has_that(processor):
    bf16 = processor == "avx512_bf16"
    assert (uses_bf16(CPU), threads(), environment.variant()) == (bf16, 1, "")
    assert environment.fingerprint()["precision"] == ("bf16" if bf16 else "fp32")


@pytest.mark.parametrize("asked", ["bf16", "fp32"])
def test_the_other_precision_is_another_machine(processor, monkeypatch, asked):
    monkeypatch.setenv(PRECISION, asked)
    usual = "bf16" if processor == "avx512_bf16" else "fp32"
    assert environment.variant() == ("" if asked == usual else asked)
    one = torch.ones(2, 2)
    with autocast(CPU):
        assert (one @ one).dtype == {"bf16": torch.bfloat16, "fp32": torch.float32}[asked]


@pytest.mark.parametrize(
    ("precision", "count", "variant"),
    [("bf16", "1", "bf16"), ("fp32", "2", "2 threads"), ("bf16", "3", "bf16, 3 threads")],
)
def test_another_arithmetic_is_another_machine_and_other_jobs(
    monkeypatch, precision, count, variant
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    usual, jobs = platform_fingerprint(), environment.fingerprint()
    platform_fingerprint.cache_clear()
    monkeypatch.setenv(PRECISION, precision)
    monkeypatch.setenv(THREADS, count)
    assert environment.variant() == variant
    assert platform_fingerprint() == f"{usual}, {variant}"
    assert environment.fingerprint() != jobs


@pytest.mark.parametrize(
    ("name", "value", "variant"),
    [
        (ATTENTION, "block", "block attention"),
        (TOKENS, "64", "64 tokens at once"),
        (COMPILE, "1", "compiled"),
    ],
)
def test_another_way_through_the_batches_is_too(monkeypatch, name, value, variant):
    usual, jobs = platform_fingerprint(), environment.fingerprint()
    platform_fingerprint.cache_clear()
    monkeypatch.setenv(name, value)
    assert environment.variant() == variant
    assert platform_fingerprint() == f"{usual}, {variant}"
    assert environment.fingerprint() != jobs


def test_a_step_on_a_cpu_is_whole_unless_asked_for(monkeypatch):
    assert tokens_at_once(CPU) is None
    assert tokens_at_once(torch.device("cuda")) > 0
    monkeypatch.setenv(TOKENS, "100")
    assert tokens_at_once(CPU) == tokens_at_once(torch.device("cuda")) == 100


@pytest.mark.parametrize("emulated", [True, False])
def test_a_gpu_computes_in_bf16_only_where_it_has_it(monkeypatch, emulated):
    """torch calls bf16 supported on a V100 or T4 too, which emulate it."""

    def supported(including_emulation=True):
        return including_emulation or not emulated

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert uses_bf16(torch.device("cuda")) == (not emulated)


def test_as_many_jobs_at_once_as_there_are_cores_for(monkeypatch):
    cores = environment.workers()
    monkeypatch.setenv(THREADS, "2")
    assert environment.workers() == max(1, cores // 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (PRECISION, "fp16"),
        (THREADS, "0"),
        (THREADS, "x"),
        (TOKENS, "0"),
        (TOKENS, "-1"),
        (ATTENTION, "eager"),
        (COMPILE, "yes"),
    ],
)
def test_what_is_not_known_is_one_line(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=f"{name}={value}: give") as caught:
        environment.fingerprint()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [THREADS, TOKENS])
@pytest.mark.parametrize("value", ["²", "1e9", "1.5", "９", "9" * 5000, "99999999999"])
def test_a_number_is_written_in_digits_and_has_an_end(monkeypatch, name, value):
    """`str.isdigit` is true of a superscript, and torch takes no more than 32 bits."""
    monkeypatch.setenv(name, value)
    with pytest.raises(
        InputError, match=f"^{name}={value[:40]}: give a number from 1 to "
    ) as caught:
        environment.fingerprint()
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("name", "value", "variant"),
    [
        (THREADS, " 2\t", "2 threads"),
        (THREADS, "", ""),
        (TOKENS, " ", ""),
        (PRECISION, "bf16\r", "bf16"),
        (ATTENTION, " sdpa", ""),
        (COMPILE, "1 ", "compiled"),
    ],
)
def test_blanks_around_a_value_are_none_of_it(monkeypatch, name, value, variant):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    monkeypatch.setenv(name, value)
    assert environment.variant() == variant


def test_they_are_looked_at_before_anything_is_read(monkeypatch):
    monkeypatch.setenv(THREADS, "²")
    with pytest.raises(InputError, match=r"^STILTS_THREADS=²: give a number"):
        plan_of(SimpleNamespace(scale=None, claims=()))  # no data, no model
