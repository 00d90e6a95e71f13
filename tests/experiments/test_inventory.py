"""What is read of a source, and when."""

from dataclasses import replace

import pytest

from stilts_repro.errors import MissingError
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.scales import SCALES
from stilts_repro.experiments.survey import survey
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.testbed import TestbedSource


class Counted(TestbedSource):
    """The testbed, with a list of what was read of it."""

    __test__ = False

    def __init__(self):
        super().__init__()
        self.read = []

    def load(self, repo, config, split, limit=None):
        self.read.append((repo, split))
        return super().load(repo, config, split, limit)


def test_a_format_whose_labels_are_fixed_is_known_without_a_row():
    """Its rows may be many: a row of the grid on translated ones has no use for the English."""
    source = Counted()
    inventory = Inventory(source, None)
    assert inventory.format("mnli", 4) is TRAINING_SETS["mnli"].format
    assert source.read == []
    assert inventory.format("ccg", 4).outputs > 0
    assert source.read == [("ldc/ccgbank", "train")]


class WithoutDev(TestbedSource):
    """The testbed, but for SQuAD's validation rows."""

    __test__ = False

    def load(self, repo, config, split, limit=None):
        if (repo, split) == ("rajpurkar/squad", "validation"):
            raise MissingError("no such rows")
        return super().load(repo, config, split, limit)


def test_dev_rows_that_choose_the_best_step_are_looked_at_before_anything_is_trained():
    smoke = SCALES["smoke"]
    often = replace(smoke.target["squad_v1"], evaluate_every=10)
    inventory = Inventory(WithoutDev(), 4)
    asked = {"rows": (), "targets": ["xquad"], "skip_missing": False}
    assert survey(inventory, scale=smoke, **asked).targets == ("xquad",)
    with pytest.raises(MissingError, match="no such rows"):
        survey(inventory, scale=replace(smoke, target={**smoke.target, "squad_v1": often}), **asked)
