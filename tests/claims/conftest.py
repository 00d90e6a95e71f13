import shutil
from pathlib import Path

import pytest

from stilts_repro.claims.schema import EXPECTED_RESULTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of expected_results that a test may spoil."""
    return shutil.copytree(EXPECTED_RESULTS, tmp_path / "expected_results")
