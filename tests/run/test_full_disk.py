"""A disk that gets full during a run costs what is under way, and no more."""

import os
import subprocess
import sys
from pathlib import Path

from tests.run.test_run_options import run

# A limit to the size of files stands for the disk; the workers' helper must start under it.
RUN = """
import resource, sys
from argparse import Namespace
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
from stilts_repro.run.execution import run_claims
from stilts_repro.commands import ended
from tests.run.test_run_options import run_request
if __name__ == "__main__":
    model, output = sys.argv[1:]
    request = run_request(model, Path(output))
    told = Namespace(output=Path(output))
    sys.exit(ended("reproduce", lambda: bool(run_claims(request)), told, resumes=True))
"""


def test_what_is_finished_stays_and_the_same_command_goes_on(tiny_model, tmp_path):
    script, output = tmp_path / "run.py", tmp_path / "out"
    script.write_text(RUN)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(script), str(tiny_model), str(output)],
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == (
        f"reproduce: --output {output}: File too large; free some room, or choose another folder; "
        "the same command goes on from here\n"
    )
    assert done.returncode == 3
    kept = sorted((output / "jobs").iterdir())
    assert all((job / "result.json").is_file() for job in kept)
    assert not [path for path in output.rglob("*") if path.name.endswith(".tmp")]
    _, result, jobs = run(tiny_model, output)
    assert len(jobs) == result["jobs"]["total"] - len(kept)
    assert result["jobs"]["reused"] == len(kept)
