"""Masked-language modelling beside an intermediate task."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import XLMRobertaForMaskedLM, XLMRobertaModel

from stilts_repro.data.features import TOKEN_PADDING, collate
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import MLM
from stilts_repro.experiments.sources import open_texts
from stilts_repro.machine import Machine
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.masked import Masking, load_masked_head, masked_batch
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.models.transfer import save_intermediate, start_from
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.retrieval import Retrieval
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.training.loop import TrainingTask, own_steps, train
from stilts_repro.training.optimiser import Recipe
from stilts_repro.training.sampler import PROPORTIONAL


@pytest.fixture(scope="module")
def texts(tokenizer):
    found = open_texts("testbed", None)(64)
    return Retrieval(mining=False).featurise(
        [text for held in found.values() for text in held], tokenizer, Limits(64)
    )


def with_head(path, formats=None):
    model = MultiTaskModel.fresh(load_backbone(str(path), 0), formats or {}, 0)
    model.heads[MLM] = load_masked_head(str(path), model.backbone)
    return model


def test_the_head_is_the_pre_trained_models(masked_lm, texts, tokenizer):
    model, whole = with_head(masked_lm), XLMRobertaForMaskedLM.from_pretrained(masked_lm)
    batch = collate(texts, np.arange(16), tokenizer.pad_token_id)
    masking, generator = Masking.of(tokenizer), torch.Generator().manual_seed(1)
    masked, chosen = masking.apply(batch.input_ids, generator)
    ready = masked_batch(batch, masking, torch.Generator().manual_seed(1))
    assert torch.equal(ready.input_ids, masked)
    assert torch.equal(ready.token["label"] != TOKEN_PADDING, chosen)
    labels = batch.input_ids.masked_fill(~chosen, TOKEN_PADDING)
    expected = whole.eval()(masked, batch.attention_mask, labels=labels).loss
    torch.testing.assert_close(model.loss(MLM, ready), expected, rtol=1e-5, atol=1e-5)


def test_its_decoder_stays_the_embeddings(masked_lm, texts, tokenizer):
    model = with_head(masked_lm)
    names = [name for name, _ in model.named_parameters()]
    assert not any(name.startswith("heads.mlm") and "decoder.weight" in name for name in names)
    recipe = Recipe(learning_rate=1e-3, batch_size=8, epochs=1)
    task = TrainingTask(texts, recipe, Masking.of(tokenizer))
    train(model, {MLM: task}, 1, 0, "test", Machine())
    decoder = model.heads[MLM].head.decoder.weight
    assert decoder is model.backbone.embeddings.word_embeddings.weight


def test_it_takes_its_share_of_the_steps(texts, tokenizer):
    pairs = replace(texts, unit={"label": np.zeros(len(texts), np.int64)})
    task = TrainingTask(pairs, Recipe(batch_size=8, epochs=6))
    beside = TrainingTask(texts, Recipe(batch_size=8, share=0.25), Masking.of(tokenizer))
    steps = own_steps({"mnli": task, MLM: beside}, None)
    assert steps == {"mnli": 48, MLM: 16}
    assert PROPORTIONAL.weights(steps) == {"mnli": 0.75, MLM: 0.25}


def test_masks_differ_from_step_to_step_and_not_from_run_to_run(masked_lm, texts, tokenizer):
    def losses(seed):
        recipe = Recipe(learning_rate=1e-3, batch_size=64, epochs=4)
        task = TrainingTask(texts, recipe, Masking.of(tokenizer))
        return train(with_head(masked_lm), {MLM: task}, 1, seed, "test", Machine()).losses

    assert losses(0) == losses(0) != losses(1)
    assert len(set(losses(0))) == 4


def test_what_phase_two_leaves_has_no_masked_head(masked_lm, tokenizer, tmp_path):
    kind = TRAINING_SETS["mnli"].format
    save_intermediate(with_head(masked_lm, {"mnli": kind}), tmp_path / "out", tokenizer)
    again = start_from(str(tmp_path / "out"), {"mnli": kind}, 0, "encoder_pooler_head")
    assert list(again.heads) == ["mnli"]


def test_a_model_without_the_head_is_refused(masked_lm, tokenizer, tmp_path):
    XLMRobertaModel.from_pretrained(masked_lm).save_pretrained(tmp_path / "bare")
    tokenizer.save_pretrained(tmp_path / "bare")
    with pytest.raises(InputError, match="have no masked-LM head; continued MLM needs one"):
        load_masked_head(str(tmp_path / "bare"), load_backbone(str(tmp_path / "bare"), 0))
