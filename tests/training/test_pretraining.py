import itertools
import signal
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from stilts_repro import stopping
from stilts_repro.data.features import collate
from stilts_repro.errors import InputError
from stilts_repro.experiments.phase_one import balanced
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.families import DECODER, ENCODER_DECODER, family_of
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.retrieval import Retrieval
from stilts_repro.testbed import TestbedSource
from stilts_repro.training import pretraining
from stilts_repro.training.checkpointing import Checkpoints
from stilts_repro.training.pretraining import Pretraining
from stilts_repro.training.shapes import PretrainRecipe, Size, build_model

RECIPE = PretrainRecipe(
    size=Size(layers=1, hidden=16, heads=2, intermediate=16, vocabulary=800),
    steps=230,
    batch_tokens=128,
    max_length=32,
    dropout=0.1,
    learning_rate=5e-3,
)


@pytest.fixture(scope="module")
def features(tokenizer):
    texts = list(islice(TestbedSource().documents("qaa"), 150))
    return Retrieval(mining=False).featurise(texts, tokenizer, Limits(RECIPE.max_length))


class Stopped(Exception):
    pass


def stop_at(steps):
    def report(log, loss, share):
        if log.steps == steps:
            raise Stopped

    return report


@pytest.fixture
def fast_clock(monkeypatch):
    """A clock on which every look is a second later: a checkpoint in the middle of a hundred."""
    for clock in ("perf_counter", "monotonic"):
        seconds = itertools.count()
        monkeypatch.setattr(pretraining.time, clock, lambda seconds=seconds: float(next(seconds)))


def weights(run):
    return {name: value.clone() for name, value in run.model.state_dict().items()}


def test_a_run_that_goes_on_gives_the_weights_of_an_unbroken_one(
    features, tokenizer, tmp_path, fast_clock
):
    whole = Pretraining(RECIPE, [features], tokenizer)
    log = whole.run()
    assert (log.steps, [step for step, _ in log.losses]) == (230, [100, 200])

    broken = Pretraining(RECIPE, [features], tokenizer, tmp_path / "checkpoint")
    with pytest.raises(Stopped):
        broken.run(stop_at(200))
    done, *_ = broken.checkpoints.load()
    assert 120 < done < 130  # what came after it is trained again

    torch.manual_seed(99)
    again = Pretraining(RECIPE, [features], tokenizer, tmp_path / "checkpoint")
    assert again.log.steps == done
    again.run()
    assert (again.log.steps, again.log.tokens) == (230, log.tokens)
    assert again.log.losses == log.losses
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(again).items())
    files = {path.suffix for path in (tmp_path / "checkpoint").iterdir()}
    assert files == {".json", ".safetensors"}  # nothing that could run code when it is read


def test_the_last_steps_read_blocks_of_one_language(features, tokenizer, tmp_path, fast_clock):
    recipe = replace(RECIPE, block_steps=60)
    run = Pretraining(recipe, [features], tokenizer)
    read = [held for held, _ in islice(run._batches(), recipe.steps)]
    assert all(held is run.features for held in read[:170])
    assert all(held is run.blocks for held in read[170:])
    assert (run.blocks.unit_lengths() == recipe.max_length).all()
    # A run that was stopped among the blocks goes on there.
    whole = run.run()
    broken = Pretraining(recipe, [features], tokenizer, tmp_path)
    with pytest.raises(Stopped):
        broken.run(stop_at(200))
    again = Pretraining(recipe, [features], tokenizer, tmp_path)
    again.run()
    expected = weights(run)
    assert again.log.losses == whole.losses
    assert all(torch.equal(value, expected[name]) for name, value in weights(again).items())


def test_no_checkpoint_before_its_time(features, tokenizer, tmp_path):
    run = Pretraining(replace(RECIPE, steps=100), [features], tokenizer, tmp_path / "checkpoint")
    run.run()
    assert not (tmp_path / "checkpoint").exists()


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(
    features, tokenizer, checkpoint, monkeypatch
):
    run = Pretraining(RECIPE, [features], tokenizer, checkpoint)
    run.log.steps = 200

    def killed(*_):
        raise Stopped

    monkeypatch.setattr(Path, "replace", killed)  # the last that is done
    with pytest.raises(Stopped):
        run._save(run.checkpoints)
    assert Pretraining(RECIPE, [features], tokenizer, checkpoint).log.steps == 100


def test_a_checkpoint_of_another_recipe_is_refused(features, tokenizer, checkpoint):
    other = replace(RECIPE, learning_rate=1.0)
    with pytest.raises(InputError, match="the checkpoint of another recipe or corpus; remove it"):
        Pretraining(other, [features], tokenizer, checkpoint)


def test_the_loss_falls(features, tokenizer):
    log = Pretraining(RECIPE, [features], tokenizer).run()
    assert log.losses[-1][1] < log.losses[0][1] < 6.7  # ln 800 = 6.68
    assert log.tokens > 50 * 230


def test_a_run_ends_after_its_minutes(features, tokenizer, fast_clock):
    recipe = replace(RECIPE, steps=None, minutes=0.5)
    log = Pretraining(recipe, [features], tokenizer).run()
    assert 5 < log.steps < 31  # thirty seconds of a clock with a second a look


@pytest.mark.parametrize(("objective", "family"), [("causal", DECODER), ("spans", ENCODER_DECODER)])
def test_a_model_of_another_class_learns_and_has_an_encoders_size(
    features, tokenizer, tmp_path, objective, family
):
    small = Size(layers=3, hidden=16, heads=2, intermediate=16, vocabulary=800)
    recipe = replace(RECIPE, size=small, objective=objective, steps=100)
    run = Pretraining(recipe, [features], tokenizer)
    log = run.run()
    assert sum(log.recent or [log.losses[0][1]]) < log.first[0] * 0.9
    assert log.tokens > 100 * 60  # what was read, whatever became of it
    size = Size(layers=6, hidden=96, heads=4, intermediate=384, vocabulary=800)
    body = {
        kind: sum(
            p.numel()
            for name, p in build_model(
                replace(recipe, size=size, objective=kind), tokenizer
            ).base_model.named_parameters()
            if "embed" not in name and "shared" not in name
        )
        for kind in ("masked", objective)
    }
    assert body[objective] == pytest.approx(body["masked"], rel=0.05)
    run.model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    config = load_backbone(str(tmp_path), 0).config
    assert family_of(config) is family
    assert objective == "causal" or config.decoder_start_token_id == tokenizer.pad_token_id


def test_the_seed_decides_the_first_weights(tokenizer):
    first, again, other = (
        build_model(replace(RECIPE, seed=seed), tokenizer).state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    name = "roberta.embeddings.word_embeddings.weight"
    assert not torch.equal(first[name], other[name])


def test_the_model_reads_its_longest_sequence(tokenizer):
    model = build_model(RECIPE, tokenizer).eval()
    ids = torch.full((1, RECIPE.max_length), 7)
    assert model(ids).logits.shape == (1, RECIPE.max_length, len(tokenizer))
    with pytest.raises((IndexError, ValueError, RuntimeError)):
        model(torch.full((1, RECIPE.max_length + 1), 7))
    assert model.config.pad_token_id == 1


def test_small_languages_are_repeated():
    documents = {"en": [f"en {i}" for i in range(100)], "sw": [f"sw {i}" for i in range(4)]}
    texts = [text for drawn in balanced(documents, 0, 0.5).values() for text in drawn]
    counts = {text: texts.count(text) for text in texts}
    assert sum(text.startswith("en") for text in texts) == 100
    assert sum(text.startswith("sw") for text in texts) == 20
    assert {counts[text] for text in documents["sw"]} == {5}
    assert balanced(documents, seed=0, smoothing=1.0) == documents
    assert balanced(documents, seed=0, smoothing=0.7) == balanced(documents, seed=0, smoothing=0.7)


def test_a_language_without_documents_is_left_out():
    assert balanced({"en": ["a", "b"], "sw": []}, seed=0, smoothing=0.5) == {"en": ["a", "b"]}


@pytest.fixture
def checkpoint(features, tokenizer, tmp_path):
    run = Pretraining(RECIPE, [features], tokenizer)
    run.log.steps = 100
    run._step(collate(*_first(run), 1), 0.1)  # an optimiser without moments has nothing to keep
    run.log.steps = 100
    run._save(Checkpoints(tmp_path))
    return tmp_path


def _first(run):
    return next(run._batches())


def test_a_damaged_checkpoint_is_none_and_is_said_to_be(features, tokenizer, checkpoint, capsys):
    """What else may be damaged, and how: tests/training/test_checkpointing.py."""
    file = checkpoint / "100.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert Pretraining(RECIPE, [features], tokenizer, checkpoint).log.steps == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"  {checkpoint}: a damaged checkpoint; the training starts anew"


def test_sigterm_leaves_a_checkpoint(features, tokenizer, tmp_path, monkeypatch):
    """Where it ends the process, a test cannot follow: it is stopped there."""

    def stop(status):
        assert status == 143
        raise Stopped

    monkeypatch.setattr(stopping.os, "_exit", stop)
    monkeypatch.setattr(stopping, "_asked", False)
    run = Pretraining(RECIPE, [features], tokenizer, tmp_path)
    step = run._step

    def terminated(*given):
        if run.log.steps == 6:
            signal.raise_signal(signal.SIGTERM)
        return step(*given)

    monkeypatch.setattr(run, "_step", terminated)
    with pytest.raises(Stopped), stopping.itself():
        run.run()
    monkeypatch.setattr(stopping, "_asked", False)
    assert Pretraining(RECIPE, [features], tokenizer, tmp_path).log.steps == 7


def test_a_full_disk_costs_no_checkpoint(features, tokenizer, checkpoint, little_room):
    run = Pretraining(RECIPE, [features], tokenizer, checkpoint)
    run.log.steps = 200
    with little_room(5_000), pytest.raises(SafetensorError, match="File too large"):
        run._save(run.checkpoints)
    assert Pretraining(RECIPE, [features], tokenizer, checkpoint).log.steps == 100
