"""What is read of a source, and when."""

from stilts_repro.experiments.inventory import Inventory
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
