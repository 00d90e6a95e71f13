import pytest

from stilts_repro.metrics.labels import accuracy


def test_share_of_equal_labels_in_points():
    assert accuracy(["a", "b", "c", "a"], ["a", "b", "b", "b"]) == 50
    assert accuracy([0, 1, 1], [0, 1, 1]) == 100


@pytest.mark.parametrize(("gold", "predicted"), [([1, 2], [1]), ([1], [1, 2]), ([], [])])
def test_lengths_must_agree_and_be_positive(gold, predicted):
    with pytest.raises(ValueError, match=r"gold labels|no examples"):
        accuracy(gold, predicted)
