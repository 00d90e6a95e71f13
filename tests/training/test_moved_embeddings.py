"""Training the rows that are read equals training the whole table, weight decay aside."""

import copy

import numpy as np
import pytest
import torch

from stilts_repro.machine import Machine
from stilts_repro.models.embeddings import ReadRows, moved
from stilts_repro.models.masked import Masking, load_masked_head
from stilts_repro.training.loop import TrainingTask, train
from tests.training.test_training_loop import PAD, classification, fresh, recipe


def trained(path, embeddings, *, evaluate=None, **options):
    model, features = fresh(path), classification(96)
    task = TrainingTask(features, recipe(embeddings=embeddings, epochs=2, **options))
    log = train(
        model, {"mnli": task}, PAD, 0, "test", Machine(), evaluate=evaluate and evaluate(model)
    )
    return model, log, np.unique(features.ids)


def table(model):
    return model.backbone.get_input_embeddings().weight.detach()


def test_rows_that_are_read_equal_the_whole_table(tiny_model):
    whole, whole_log, ids = trained(tiny_model, "whole", weight_decay=0.0)
    read, read_log, _ = trained(tiny_model, "read", weight_decay=0.0)
    assert read_log.losses == pytest.approx(whole_log.losses, abs=1e-6)
    assert read.state_dict().keys() == whole.state_dict().keys()
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(read.state_dict()[name], value, rtol=0, atol=1e-6, msg=name)
    start = table(fresh(tiny_model))
    moves = (table(read) != start).any(dim=1).nonzero().flatten()
    assert set(moves.tolist()) <= set(ids.tolist()) and len(moves) > 20


def test_only_the_decay_of_rows_that_are_not_read_differs(tiny_model):
    whole, _, ids = trained(tiny_model, "whole", weight_decay=0.1)
    read, _, _ = trained(tiny_model, "read", weight_decay=0.1)
    held = torch.zeros(len(table(whole)), dtype=torch.bool)
    held[torch.from_numpy(ids).long()] = held[PAD] = True
    torch.testing.assert_close(table(read)[held], table(whole)[held], rtol=0, atol=1e-6)
    start = table(fresh(tiny_model))
    assert torch.equal(table(read)[~held], start[~held])
    assert (table(whole)[~held].norm() < start[~held].norm()).item()


def test_evaluation_in_between_reads_any_token_and_what_was_learned(tiny_model):
    seen = []

    def evaluate(model):
        def score():
            model.eval()
            assert isinstance(model.backbone.get_input_embeddings(), ReadRows)
            every = torch.arange(len(model.backbone.get_input_embeddings().table.weight))
            seen.append(model.backbone.get_input_embeddings()(every).detach().clone())
            return -float(len(seen))  # the first is the best: its weights come back

        return score

    model, log, _ = trained(tiny_model, "read", evaluate=evaluate, evaluate_every=4)
    assert len(seen) == 3 and log.best_step == 4
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(table(model), seen[0])


def test_frozen_embeddings_do_not_move_and_the_rest_does(tiny_model):
    model, log, _ = trained(tiny_model, "frozen")
    start = fresh(tiny_model)
    assert torch.equal(table(model), table(start))
    assert model.backbone.get_input_embeddings().weight.requires_grad
    assert log.losses[-1] < log.losses[0]
    positions = "backbone.embeddings.position_embeddings.weight"
    assert not torch.equal(model.state_dict()[positions], start.state_dict()[positions])


@pytest.mark.parametrize("choice", ["whole", "read", "frozen"])
def test_a_head_that_predicts_with_the_table_keeps_it_whole(masked_lm, choice):
    model = fresh(masked_lm)
    model.heads["mlm"] = load_masked_head(str(masked_lm), model.backbone)
    with moved(model, choice, [np.array([5, 6])], PAD):
        held = model.backbone.get_input_embeddings()
        assert not isinstance(held, ReadRows)
        assert held.weight.requires_grad == (choice != "frozen")
    assert model.backbone.get_input_embeddings().weight.requires_grad


def test_masked_lm_beside_a_task_learns_as_with_the_whole_table(masked_lm, tokenizer):
    def losses(choice):
        model = fresh(masked_lm)
        model.heads["mlm"] = load_masked_head(str(masked_lm), model.backbone)
        tasks = {
            "mnli": TrainingTask(classification(32), recipe(embeddings=choice)),
            "mlm": TrainingTask(classification(32), recipe(), Masking.of(tokenizer)),
        }
        return train(model, tasks, PAD, 0, "test", Machine()).losses

    assert losses("read") == losses("whole") != losses("frozen")


def test_the_table_comes_back_where_training_fails(tiny_model):
    model = fresh(tiny_model)
    before = model.backbone.get_input_embeddings()
    start = copy.deepcopy(before.weight)
    with pytest.raises(KeyboardInterrupt), moved(model, "read", [np.array([5])], PAD):
        raise KeyboardInterrupt
    assert model.backbone.get_input_embeddings() is before
    assert torch.equal(before.weight, start) and before.weight.requires_grad
