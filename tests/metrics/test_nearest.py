import pytest
import torch

from stilts_repro.metrics.retrieval import nearest, retrieval_accuracy, unit_rows


def test_the_longest_product_is_not_the_nearest():
    database = torch.tensor([[10.0, 10.0], [1.0, 0.0]])
    queries = torch.tensor([[2.0, 2.1], [5.0, 0.1]])
    assert nearest(queries, database).tolist() == [0, 1]


@pytest.mark.parametrize("block", [1, 3, 7, 100])
def test_blocks_find_what_the_dense_matrix_finds(block):
    generator = torch.Generator().manual_seed(0)
    queries, database = torch.randn(2, 20, 5, generator=generator, dtype=torch.float64)
    cosine = torch.nn.functional.cosine_similarity(queries[:, None], database[None], dim=2)
    assert nearest(queries, database, block=block).tolist() == cosine.argmax(dim=1).tolist()


@pytest.mark.parametrize("block", [1, 2, 5])
def test_ties_go_to_the_lowest_row(block):
    database = torch.eye(3)[[1, 0, 1, 0, 1]]
    assert nearest(torch.eye(3)[[0, 1]], database, block=block).tolist() == [1, 0]


def test_accuracy_counts_own_rows_and_depends_on_the_direction():
    queries = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    database = torch.tensor([[1.0, 0.0], [0.6, 0.4], [0.0, 1.0]])
    assert retrieval_accuracy(queries, database) == pytest.approx(200 / 3)
    assert retrieval_accuracy(database, queries) == 100


def test_half_precision_is_widened_and_zero_rows_stay():
    assert unit_rows(torch.ones(2, 4, dtype=torch.bfloat16)).dtype == torch.float32
    assert unit_rows(torch.zeros(1, 4)).tolist() == [[0.0] * 4]


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="queries"):
        retrieval_accuracy(torch.ones(2, 3), torch.ones(3, 3))
    with pytest.raises(ValueError, match="n > 0"):
        retrieval_accuracy(torch.ones(0, 3), torch.ones(0, 3))


def test_a_row_that_is_no_number_is_near_to_nothing_and_hides_nothing():
    queries, database = torch.eye(3), torch.eye(3)
    queries[0, 0], database[1, 0] = torch.nan, torch.inf
    assert nearest(queries, database).tolist()[::2] == [-1, 2]
    assert retrieval_accuracy(queries, database) == pytest.approx(100 / 3)
