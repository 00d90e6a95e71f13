"""Jobs on a Ray cluster, or by Ray on this machine; nothing else of the package knows of Ray.

A job is a Ray task that asks for its GPU or its cores. Ray gives the task of a node that dies to
another; one whose own code fails has failed. What jobs leave is in the run's folder, which all
nodes must see under the same name, and there alone: the main process may die, and another go on.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stilts_repro.errors import MissingError, reason
from stilts_repro.experiments.forking import keep_few_kernels

# The hub's libraries take their variables as they are imported: in a task these come first.
if TYPE_CHECKING:
    from stilts_repro.experiments.workers import Room, Workers
    from stilts_repro.machine import Machine

RETRIES = 5  # of a task whose node or worker died
# Of one that Ray ended for want of memory; else it would be tried again for ever.
MEMORY_RETRIES = ("RAY_task_oom_retries", "2")
# Variables of the main process that workers get, by the beginnings of their names.
PASSED_ON = ("STILTS_", "HF_", "TOKENIZERS_", "FSSPEC_", "AWS_", "GOOGLE_", "AZURE_")
AHEAD = 2  # tasks handed out for each that has room: Ray starts the next without asking us


def ray_workers(address: str | None) -> "Workers":
    """Return what gives the workers of the Ray cluster at `address` (None: `RAY_ADDRESS`'s, or one
    on this machine). Raises `MissingError` where Ray is not installed.
    """
    os.environ.setdefault(*MEMORY_RETRIES)
    try:
        import ray
    except ImportError:
        raise MissingError(
            "--executor ray: Ray is not installed; python -m pip install -e '.[cluster]'"
        ) from None

    @contextmanager
    def workers(machine: "Machine", most: int) -> Iterator[tuple["_Pool", "Room"]]:
        at = address or os.environ.get("RAY_ADDRESS")
        given: dict[str, Any] = {} if at else {"num_cpus": _cores(machine)}
        handler = signal.getsignal(signal.SIGTERM)  # Ray would put its own in its place
        try:
            _knock(at)
            # Without "local" a Ray that somebody has started here would be joined.
            where = at or "local"
            ray.init(address=where, logging_level=logging.ERROR, include_dashboard=False, **given)
        except Exception as error:  # a dozen kinds: no such host, another version, a port in use
            name = at or "this machine"
            raise MissingError(f"--address: no Ray cluster at {name} ({reason(error)})") from None
        signal.signal(signal.SIGTERM, handler)
        _tell_of_lacks(machine, ray.nodes())
        try:
            # Nodes come and go: who starts first need not be all there will be.
            yield _Pool(machine), lambda: max(1, AHEAD * _slots(machine, ray.cluster_resources()))
        finally:
            ray.shutdown()

    return workers


def _knock(address: str | None) -> None:
    """Raise `OSError` where nobody listens at HOST:PORT: Ray itself would try for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _tell_of_lacks(machine: "Machine", nodes: list[dict[str, Any]]) -> None:
    """Say what the nodes that are there have not, or have and will not be used."""
    there = [node["Resources"] for node in nodes if node["Alive"]]
    told = ""
    if not any(_slots(machine, resources) for resources in there):
        needs = ", ".join(f"{name} {count:g}" for name, count in _needs(machine).items())
        told = f"no node has room for a job ({needs}); jobs wait for one"
    elif machine.device == "cpu" and any(resources.get("GPU") for resources in there):
        told = "it has GPUs; jobs compute as this machine does, which has none"
    if told:
        print(f"  Ray's cluster: {told}", file=sys.stderr, flush=True)


def _cores(machine: "Machine") -> int:
    if machine.device == "cuda":
        return os.cpu_count() or 1
    return machine.threads * machine.processes * machine.workers()


def _needs(machine: "Machine") -> dict[str, float]:
    """Return what a task asks for, as Ray names it."""
    if machine.device == "cuda":
        return {"num_gpus": machine.processes, "num_cpus": machine.processes}
    return {"num_cpus": machine.threads * machine.processes}


def _slots(machine: "Machine", resources: dict[str, float]) -> int:
    """Return how many tasks a cluster with `resources` has room for."""
    kind, name = ("GPU", "num_gpus") if machine.device == "cuda" else ("CPU", "num_cpus")
    return int(resources.get(kind, 0) // _needs(machine)[name])


class _Pool:
    """Ray's workers, as the executor sees them."""

    def __init__(self, machine: "Machine") -> None:
        import ray

        self.put = ray.put
        self.variables = {
            name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)
        }
        options = {"max_retries": RETRIES, "retry_exceptions": False, **_needs(machine)}
        self.task: Any = ray.remote(_outcome).options(**options)

    def submit(self, work: Callable[..., float], /, *arguments: Any) -> Future[float]:
        """Have one of them do a job."""
        from stilts_repro.experiments import environment

        job, world, store, machine, keep_models = arguments
        own = environment.fingerprint(machine)
        # In a list, so that they are unpacked by the task and not before it.
        given = [self.put((job, world, store.absolute(), machine, keep_models, own))]
        future: Future[float] = Future()

        def pass_on(done: Future[float | Exception]) -> None:
            if error := done.exception():
                told = f"Ray gave it up ({reason(error)}); start the same command again"
                future.set_exception(MissingError(told))
            elif isinstance(outcome := done.result(), Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self.task.remote(self.variables, str(Path.cwd()), given).future().add_done_callback(pass_on)
        return future


def _outcome(variables: dict[str, str], folder: str, given: list[Any]) -> float | Exception:
    """Do a job in one of Ray's workers; return its seconds, or the error that it ended with.

    Raised, Ray would wrap the error in one of its own. `folder` is the main process's, by which
    relative names of data and models go.
    """
    os.environ.update(variables)
    keep_few_kernels()
    if Path(folder).is_dir():
        os.chdir(folder)
    import ray

    from stilts_repro.experiments import environment
    from stilts_repro.experiments.workers import prepare, work

    job, world, store, machine, keep_models, wanted = ray.get(given[0])
    try:
        found = environment.fingerprint(machine)
        if differ := [name for name in wanted if found.get(name) != wanted[name]]:
            raise MissingError(
                f"{socket.gethostname()}: other {', '.join(differ)} than the main process has; "
                "install the same there"
            )
        prepare(machine)
        store.prepare()  # of a node that has its own
        return work(job, world, store, machine, keep_models)
    except Exception as error:
        return error
