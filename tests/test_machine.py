"""What jobs compute with: as is usual on a device, or as the environment asks; GPUs on paper."""

import ast
import os
import pickle
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch

import stilts_repro
from reproduce.catalogue import all_claims
from stilts_repro.cli.reproduce import main
from stilts_repro.errors import InputError
from stilts_repro.experiments.environment import fingerprint, platform_name
from stilts_repro.machine import (
    ATTENTION,
    COMPILE,
    PRECISION,
    SHARD,
    THREADS,
    TOKENS,
    Machine,
    has_bf16,
)

ROOT = Path(stilts_repro.__file__).parent


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    """The test's machine has no GPU, and nothing is known of it from another test."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    platform_name.cache_clear()
    yield
    platform_name.cache_clear()


@pytest.fixture
def gpus(monkeypatch):
    """Three GPUs that have bf16."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA Something")


@pytest.fixture
def plain(monkeypatch):
    """A processor without bf16."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)


@pytest.fixture(params=["avx512_bf16", "avx512_f", ""])
def processor(request, monkeypatch):
    """A processor that has one thing; by '' nothing is known of it (older torch)."""
    if request.param:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {request.param: True})
    else:
        monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    return request.param


def test_a_cpu_computes_on_one_thread_in_bf16_if_it_has_that(processor):
    machine = Machine.of({})
    precision = "bf16" if processor == "avx512_bf16" else "fp32"
    assert machine == Machine("cpu", precision, 1, "", None, False)
    assert machine.arithmetic == precision
    assert Machine.of({}, precision="fp32").precision == "fp32"  # as a scale may want
    assert Machine.of({PRECISION: "bf16"}, precision="fp32").precision == "bf16"
    assert Machine.of({}, at_once=4096).tokens == 4096
    assert Machine.of({TOKENS: "64"}, at_once=4096).tokens == 64
    assert machine.as_hashed() == {"device": "cpu", "precision": precision}
    assert machine.name.startswith("cpu (")


@pytest.mark.parametrize("asked", ["bf16", "fp32"])
def test_the_other_precision_is_another_machine(processor, asked):
    machine = Machine.of({PRECISION: asked})
    assert (machine.arithmetic, machine.asking) == (asked, f"STILTS_PRECISION={asked}")
    one = torch.ones(2, 2)
    with machine.autocast():
        assert (one @ one).dtype == {"bf16": torch.bfloat16, "fp32": torch.float32}[asked]


@pytest.mark.parametrize(
    ("environ", "machine", "unusual", "hashed"),
    [
        ({PRECISION: "bf16"}, Machine(precision="bf16"), "", {}),
        ({THREADS: "1"}, Machine(), "", {}),
        ({THREADS: "2"}, Machine(threads=2), "2 threads", {"threads": "2"}),
        (
            {PRECISION: "bf16", THREADS: "3"},
            Machine(precision="bf16", threads=3),
            "3 threads",
            {"threads": "3"},
        ),
        (
            {ATTENTION: "block"},
            Machine(attention="block"),
            "block attention",
            {"attention": "block"},
        ),
        ({ATTENTION: "sdpa"}, Machine(attention="sdpa"), "", {"attention": "sdpa"}),
        ({TOKENS: "64"}, Machine(tokens=64), "64 tokens at once", {"tokens": "64"}),
        ({COMPILE: "1"}, Machine(compiled=True), "compiled", {"compiled": "yes"}),
        ({COMPILE: "0"}, Machine(), "", {}),
    ],
)
@pytest.mark.usefixtures("plain")
def test_what_is_asked_for_is_another_machine_and_other_jobs(environ, machine, unusual, hashed):
    usual = Machine.of({})
    asked = Machine.of(environ)
    assert asked == machine
    assert asked.arithmetic == ", ".join(filter(None, [asked.precision, unusual]))
    assert platform_name(asked) == platform_name(usual)
    assert asked.as_hashed() == {"device": "cpu", "precision": asked.precision, **hashed}
    assert (fingerprint(asked) == fingerprint(usual)) == (asked.as_hashed() == usual.as_hashed())


def test_code_and_libraries_are_in_a_jobs_hash_as_well():
    found = fingerprint(Machine())
    assert {"code", "python", "torch", "transformers", "device", "precision"} <= found.keys()
    assert "stilts_repro" not in found  # its code is


@pytest.mark.usefixtures("gpus")
def test_a_gpu_computes_in_bf16_and_takes_so_many_tokens_at_once():
    machine = Machine.of({})
    assert machine == Machine.of({}, at_once=7) == Machine("cuda", "bf16", tokens=16384)
    assert machine.as_hashed() == {"device": "cuda", "precision": "bf16", "tokens": "16384"}
    assert (machine.name, machine.arithmetic, machine.workers()) == ("NVIDIA Something", "bf16", 3)
    assert "NVIDIA Something" in platform_name(machine)
    asked = Machine.of({PRECISION: "fp32", TOKENS: "100", COMPILE: "1"})
    assert asked == Machine("cuda", "fp32", tokens=100, compiled=True)
    assert asked.arithmetic == "fp32, compiled"


@pytest.mark.parametrize("emulated", [True, False])
def test_a_gpu_computes_in_bf16_only_where_it_has_it(gpus, monkeypatch, emulated):
    """torch calls bf16 supported on a V100 or T4 too, which emulate it."""

    def supported(including_emulation=True):
        return including_emulation or not emulated

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert Machine.of({}).bf16 == has_bf16("cuda") == (not emulated)


def test_as_many_jobs_at_once_as_there_are_cores_for():
    cores = Machine().workers()
    assert Machine(threads=2).workers() == max(1, cores // 2)
    assert Machine(threads=1024).workers() == 1


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        (PRECISION, "fp16", "fp32 or bf16"),
        (THREADS, "0", "a number from 1 to 1024"),
        (THREADS, "x", "a number from 1 to 1024"),
        (THREADS, "1025", "a number from 1 to 1024"),
        (TOKENS, "0", "a number from 1 to 1000000000"),
        (TOKENS, "-1", "a number from 1 to 1000000000"),
        (ATTENTION, "eager", "sdpa, sdpa_fp32, varlen, flash, block"),
        (COMPILE, "yes", "0 or 1"),
    ],
)
def test_what_is_not_known_is_one_line(name, value, known):
    with pytest.raises(InputError) as caught:
        Machine.of({name: value})
    assert str(caught.value) == f"{name}={value}: give {known}"


@pytest.mark.parametrize("name", [THREADS, TOKENS])
@pytest.mark.parametrize("value", ["²", "1e9", "1.5", "９", "9" * 5000, "99999999999"])
def test_a_number_is_written_in_digits_and_has_an_end(name, value):
    """`str.isdigit` is true of a superscript, and torch takes no more than 32 bits."""
    with pytest.raises(
        InputError, match=f"^{name}={value[:40]}: give a number from 1 to "
    ) as caught:
        Machine.of({name: value})
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("name", "value", "arithmetic"),
    [
        (THREADS, " 2\t", "fp32, 2 threads"),
        (THREADS, "", "fp32"),
        (TOKENS, " ", "fp32"),
        (PRECISION, "bf16\r", "bf16"),
        (ATTENTION, " sdpa", "fp32"),
        (COMPILE, "1 ", "fp32, compiled"),
    ],
)
@pytest.mark.usefixtures("plain")
def test_blanks_around_a_value_are_none_of_it(name, value, arithmetic):
    assert Machine.of({name: value}).arithmetic == arithmetic


def test_a_job_of_several_processes_is_another_job(gpus):
    assert Machine.of({}, processes=2).workers() == 1  # of three GPUs
    shared_out = Machine.of({SHARD: "1"}, processes=2)
    assert shared_out.as_hashed().items() >= {"processes": "2", "sharded": "yes"}.items()
    assert shared_out.arithmetic == "bf16, 2 processes, sharded"
    assert "STILTS_SHARD=1" in shared_out.asking
    with pytest.raises(InputError, match="STILTS_SHARD=1: a job has one process"):
        Machine.of({SHARD: "1"})
    assert Machine.of({SHARD: "1", "WORLD_SIZE": "2"}) == shared_out


@pytest.mark.parametrize(
    ("options", "environ", "told"),
    [
        (["--gpus-per-job", "0"], {}, "--gpus-per-job: 0: give a number from 1"),
        (["--gpus-per-job", "4"], {}, "--gpus-per-job 4: this machine has 3"),
        (["--gpus-per-job", "2"], {"WORLD_SIZE": "2"}, "--gpus-per-job 2: not below torchrun"),
    ],
)
def test_gpus_per_job_that_cannot_be_had(gpus, monkeypatch, capsys, options, environ, told):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(all_claims().values(), ["squad_gain", "--scale", "smoke", *options]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"WORLD_SIZE": "x"}, "WORLD_SIZE=x: give a number from 1"),
        ({"WORLD_SIZE": "2"}, "RANK=: WORLD_SIZE says that a launcher started this process among"),
        ({"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}, "MASTER_ADDR=: WORLD_SIZE says"),
    ],
)
def test_a_launcher_that_does_not_say_all_is_one_line(monkeypatch, tmp_path, capsys, environ, told):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    command = ["squad_gain", "--scale", "smoke", "--output", str(tmp_path / "out")]
    assert main(all_claims().values(), command) == 2
    error = capsys.readouterr().err
    assert told in error and "\n" not in error.strip()


def test_they_are_looked_at_before_anything_is_read(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(THREADS, "²")
    output = tmp_path / "out"
    command = ["squad_gain", "--scale", "smoke", "--data", "nowhere", "--model", "none"]
    assert main(all_claims().values(), [*command, "--output", str(output)]) == 2
    error = capsys.readouterr().err
    assert "STILTS_THREADS=²: give a number" in error and "\n" not in error.strip()
    assert not output.exists()


def test_it_reaches_workers_as_it_is():
    machine = Machine("cuda", "bf16", 2, "block", 100, True)
    assert pickle.loads(pickle.dumps(machine)) == machine
    for field in fields(Machine):  # whatever differs is another machine
        assert replace(machine, **{field.name: "other"}) != machine


def test_no_other_module_reads_what_it_is_resolved_from():
    """Nor the environment itself, but for what is no business of the arithmetic."""
    names = re.compile(r"STILTS_(?!CACHE\b|REAL_DATA\b)[A-Z]+")
    readers = set()
    for path in ROOT.rglob("*.py"):
        text, module = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
        assert module == "machine.py" or not names.search(text), module
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            for node in ast.walk(ast.parse(text))
        ):
            readers.add(module)
    # The cache's folder, HOME, matplotlib's back end, and what workers get of the main process's.
    allowed = {"data/cache.py", "folders.py", "report/page.py"}
    allowed |= {"experiments/workers.py", "experiments/forking.py"}
    # What launchers and Ray say of processes.
    allowed |= {"experiments/cluster.py", "experiments/together.py"}
    assert readers <= {"machine.py", *allowed}


def test_this_machine_is_the_default(monkeypatch):
    monkeypatch.setenv(THREADS, "7")
    assert Machine.of() == Machine.of(os.environ)
    assert Machine.of().threads == 7
