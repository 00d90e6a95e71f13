from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import XLMRobertaModel

from stilts_repro.data.features import TOKEN_PADDING, Features, collate
from stilts_repro.machine import Machine
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.training.loop import TrainingTask, train
from stilts_repro.training.optimiser import Recipe, schedule
from stilts_repro.training.state import TrainingLog

PAD, START, END = 1, 0, 2
FORMATS = {
    name: TRAINING_SETS[name].format for name in ("mnli", "hellaswag", "panx_en", "squad_v1")
}


def classification(count=192, seed=0):
    """Three classes, told by which of three marker tokens stands somewhere in the sequence."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    ids = [[START, *rng.integers(50, 90, rng.integers(3, 9)), END] for _ in range(count)]
    for sequence, label in zip(ids, labels, strict=True):
        sequence[rng.integers(1, len(sequence) - 1)] = 20 + label
    return Features.of(ids, unit={"label": labels})


def multiple_choice(count=64, seed=0):
    """The right one of four endings holds the marker."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    ids = [
        [START, *rng.integers(50, 90, 4), 20 if choice == label else 21, END]
        for label in labels
        for choice in range(4)
    ]
    return Features.of(ids, group=4, unit={"label": labels})


def tagging(count=96, seed=0):
    """A token's tag is its id modulo seven; every other token is the inside of a word."""
    rng = np.random.default_rng(seed)
    words = [rng.integers(50, 64, rng.integers(2, 9)) for _ in range(count)]
    ids = [[START, *w, END] for w in words]
    tags = [
        [TOKEN_PADDING, *(i % 7 if n % 2 == 0 else TOKEN_PADDING for n, i in enumerate(w)), -100]
        for w in words
    ]
    return Features.of(ids, token={"label": tags})


def span(count=96, seed=0):
    """The answer lies between two markers."""
    rng = np.random.default_rng(seed)
    ids, starts, ends = [], [], []
    for _ in range(count):
        sequence = [START, *rng.integers(50, 90, 8), END]
        start = int(rng.integers(1, 6))
        sequence[start], sequence[start + 2] = 20, 21
        ids.append(sequence)
        starts.append(start)
        ends.append(start + 2)
    return Features.of(ids, unit={"start": starts, "end": ends})


MAKE = dict(zip(FORMATS, (classification, multiple_choice, tagging, span), strict=True))


def recipe(**options):
    return Recipe(**{"learning_rate": 2e-3, "batch_size": 16, "epochs": 2, **options})


def fresh(path, names=("mnli",), seed=0):
    return MultiTaskModel.fresh(
        load_backbone(str(path), seed), {name: FORMATS[name] for name in names}, seed
    )


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


class Spy:
    """Records what each step saw: task, units, and the state of the dropout's generator."""

    def __init__(self, model):
        self.steps = []
        original = model.loss

        def loss(name, batch, over=None):
            self.steps.append((name, batch.units.tolist(), torch.get_rng_state().tolist()))
            return original(name, batch, over)

        model.loss = loss


def trained(path, seed=0, purpose="target", names=("mnli",), drawn=0, **options):
    model = fresh(path, names)
    torch.rand(drawn)  # loading and phase (ii) leave the generator anywhere
    spy = Spy(model)
    tasks = {name: TrainingTask(MAKE[name](48), recipe(**options)) for name in names}
    log = train(model, tasks, PAD, seed, purpose, Machine())
    return model, spy.steps, log


def test_a_seed_gives_one_training(tiny_model):
    first, steps, log = trained(tiny_model)
    again, steps_again, log_again = trained(tiny_model, drawn=9)
    assert same(state(first), state(again))
    assert (steps, log.losses) == (steps_again, log_again.losses)
    other, steps_other, _ = trained(tiny_model, seed=1)
    assert [s[1] for s in steps_other] != [s[1] for s in steps]
    assert not same(state(other), state(first))
    _, steps_purpose, _ = trained(tiny_model, purpose="another")
    assert [s[1] for s in steps_purpose] != [s[1] for s in steps]


def test_batches_and_dropout_are_the_same_whatever_came_before(tiny_model, tokenizer, tmp_path):
    """Gains are paired: baseline and intermediate model see one target training."""
    torch.manual_seed(7)
    other = XLMRobertaModel.from_pretrained(tiny_model)
    for parameter in other.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.2)
    other.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    first, steps, log = trained(tiny_model, names=("mnli", "squad_v1"))
    second, steps_other, log_other = trained(tmp_path, names=("mnli", "squad_v1"), drawn=5)
    assert steps == steps_other
    assert log.losses != log_other.losses
    assert len({str(s[2]) for s in steps}) == len(steps)  # dropout really draws
    assert not same(state(first), state(second))


def test_another_task_does_not_reorder_this_one(tiny_model):
    _, alone, _ = trained(tiny_model)
    _, both, _ = trained(tiny_model, names=("mnli", "squad_v1"), epochs=4)
    seen = [units for name, units, _ in both if name == "mnli"]
    expected = [units for _, units, _ in alone]
    count = min(len(seen), len(expected))
    assert count >= 4
    assert seen[:count] == expected[:count]


def test_rates_follow_the_schedule_and_steps_the_epochs(tiny_model, monkeypatch):
    rates = []
    step = torch.optim.AdamW.step

    def spy(self, *arguments):
        rates.append({group["lr"] for group in self.param_groups})
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    model, progress = fresh(tiny_model), []
    task = TrainingTask(classification(50), recipe(epochs=2.5, warmup=0.25))
    log = train(model, {"mnli": task}, PAD, 0, "x", Machine(), lambda *at: progress.append(at))
    assert task.steps() == log.steps == 10  # 2.5 epochs of 4 batches
    expected = [{2e-3 * schedule((step + 1) / 10, 0.25)} for step in range(10)]
    assert rates == expected
    assert progress == [(step, 10) for step in range(1, 11)]
    assert len(log.losses) == 10
    assert log.tokens == sum(log_tokens(task.features, 10))


def log_tokens(features, steps):
    """Real tokens of ten steps: two whole epochs and half of a third, as the loop orders them."""
    from stilts_repro.data.batches import training_batches
    from stilts_repro.seeds import numpy_rng

    stream = training_batches(features, 16, numpy_rng(0, "x", "order", "mnli"))
    for _ in range(steps):
        yield collate(features, next(stream), PAD).tokens


def test_a_tiny_task_still_gets_one_step():
    assert TrainingTask(classification(3), recipe(epochs=0.1)).steps() == 1


def test_gradients_are_clipped(tiny_model, monkeypatch):
    seen = []
    clip = torch.nn.utils.clip_grad_norm_

    def spy(parameters, norm):
        parameters = list(parameters)
        total = clip(parameters, norm)
        seen.append((norm, torch.stack([p.grad.norm() for p in parameters if p.grad is not None])))
        return total

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", spy)
    trained(tiny_model, clip=1e-3)
    assert len(seen) == 6
    for norm, norms in seen:
        assert norm == 1e-3
        assert norms.norm().item() == pytest.approx(1e-3, rel=1e-2)


def test_multi_task_steps_are_shared_by_size(tiny_model):
    model = fresh(tiny_model, ("mnli", "squad_v1"))
    spy = Spy(model)
    tasks = {
        "mnli": TrainingTask(classification(192), recipe()),
        "squad_v1": TrainingTask(span(64), recipe()),
    }
    log = train(model, tasks, PAD, 0, "multi", Machine())
    assert log.steps == len(spy.steps) == 24 + 8
    assert log.weights == {"mnli": 0.75, "squad_v1": 0.25}
    share = sum(name == "mnli" for name, _, _ in spy.steps) / len(spy.steps)
    assert 0.5 < share < 0.95


def test_a_separable_task_is_learned(tiny_model):
    model = fresh(tiny_model)
    task = TrainingTask(classification(), recipe(epochs=12))
    train(model, {"mnli": task}, PAD, 0, "learn", Machine())
    held_out = classification(96, seed=1)
    model.eval()
    with torch.no_grad():
        batch = collate(held_out, np.arange(96), PAD)
        found = model("mnli", batch).argmax(-1)
    assert (found == batch.unit["label"]).float().mean() > 0.9


@pytest.mark.parametrize("name", FORMATS)
def test_every_formats_loss_falls_below_chance(tiny_model, name):
    model = fresh(tiny_model, (name,))
    task = TrainingTask(MAKE[name](), recipe(epochs=10))
    log = train(model, {name: task}, PAD, 0, "fall", Machine())
    chance = {
        "mnli": np.log(3),
        "hellaswag": np.log(4),
        "panx_en": np.log(7),
        "squad_v1": np.log(10),
    }
    assert log.losses[0] > 0.8 * chance[name]
    assert log.last_loss(5) < 0.6 * chance[name]
    assert log.last_loss(10**6) == pytest.approx(np.mean(log.losses))


def test_the_encoder_and_the_pooler_are_trained_with_the_head(tiny_model):
    before = state(fresh(tiny_model))
    model, _, _ = trained(tiny_model)
    changed = {name for name, value in state(model).items() if not torch.equal(value, before[name])}
    for part in ("embeddings.word", "layer.0.attention", "layer.1.output", "pooler", "heads.mnli"):
        assert any(part in name for name in changed), part
    model, _, _ = trained(tiny_model, names=("squad_v1",))
    pooler = {n for n, v in state(model).items() if "pooler" in n}
    assert all(torch.equal(state(model)[name], before[name]) for name in pooler)


def test_an_empty_log_has_no_loss():
    assert TrainingLog().last_loss() == 0.0


# The best checkpoint ------------------------------------------------------------------------------


def watched(model, scores, **changes):
    """Train while dev scores come from a list; return the log and the weights at each one."""
    trained_on = {"mnli": TrainingTask(classification(64), replace(recipe(), **changes))}
    left, seen = iter(scores), []

    def evaluate():
        model.eval()
        seen.append({k: v.clone() for k, v in model.state_dict().items()})
        return next(left)

    return train(model, trained_on, 1, 0, "test", Machine(), evaluate=evaluate), seen


def test_the_best_weights_are_restored(tiny_model):
    model = fresh(tiny_model, ("mnli",))
    log, seen = watched(model, [1.0, 3.0, 2.0, 3.0], evaluate_every=2)
    assert (log.best_step, log.dev_scores) == (4, [1.0, 3.0, 2.0, 3.0])
    for key, value in model.state_dict().items():
        assert torch.equal(value, seen[1][key])
    assert any(not torch.equal(seen[1][key], seen[3][key]) for key in seen[1])


def test_training_stops_when_nothing_better_comes(tiny_model):
    log, seen = watched(
        fresh(tiny_model, ("mnli",)), [1.0, 3.0, 2.0, 3.0], evaluate_every=1, patience=2
    )
    assert (log.steps, len(seen), log.best_step) == (4, 4, 2)
    assert len(log.losses) == 4


def test_evaluating_changes_no_training_step(tiny_model):
    plain, _ = watched(fresh(tiny_model, ("mnli",)), [])
    evaluated, _ = watched(fresh(tiny_model, ("mnli",)), [0.0] * 8, evaluate_every=1)
    assert plain.losses == evaluated.losses
    assert plain.best_step is None
