import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoModelForMaskedLM, AutoTokenizer

from stilts_repro.data.batches import window_batches
from stilts_repro.data.features import collate
from stilts_repro.experiments.phase_one import (
    TESTBED_DOCUMENTS,
    TESTBED_RECIPE,
    UNRELATED_DOCUMENTS,
)
from stilts_repro.experiments.scales import (
    LADDER,
    MORPHOLOGY,
    RUNGS,
    TESTBED_MODEL,
    UNRELATED,
    UNRELATED_MODEL,
)
from stilts_repro.experiments.sources import TESTBEDS
from stilts_repro.models.pretrained import fingerprint
from stilts_repro.pretrain import documents_of
from stilts_repro.seeds import numpy_rng
from stilts_repro.testbed import TestbedSource
from stilts_repro.training.pretraining import WINDOW, Pretraining
from stilts_repro.training.shapes import PretrainRecipe, Size

# By the folder, whose languages a model knows; of the studies' models, those that are shipped.
MADE_BY_COMMAND = {"decoder-48", "decoder-64", "decoder-192"}
SHIPPED = {TESTBED_MODEL: "testbed"} | {
    Path(world.model): world.data
    for world in (UNRELATED, *MORPHOLOGY, *RUNGS)
    if world.name not in MADE_BY_COMMAND
}


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_model_is_the_one_its_card_describes(folder):
    card = json.loads((folder / "pretraining.json").read_text())
    assert card["hash"] == fingerprint(str(folder))
    assert (folder / "model.safetensors").stat().st_size < 8 * 2**20


def test_the_studies_models_are_small_together():
    files = [file for model in SHIPPED if model.parent == LADDER for file in model.iterdir()]
    assert sum(file.stat().st_size for file in files) < 40 * 2**20


def recipe_of(card):
    """Return the recipe that a card tells."""
    return PretrainRecipe(**card["recipe"] | {"size": Size(**card["recipe"]["size"])})


def document(source, kind, number):
    """Return one document of a language, or of another kind, by its number."""
    of_kind = {"mixed": source.mixed_documents, "bilingual": source.bilingual_documents}
    if kind in of_kind:
        return next(of_kind[kind](start=number))
    return next(source.documents(kind, start=number))


@pytest.mark.parametrize("folder", [TESTBED_MODEL, UNRELATED_MODEL], ids=lambda path: path.name)
def test_the_recipe_is_the_one_of_the_card(folder):
    counts = UNRELATED_DOCUMENTS if folder == UNRELATED_MODEL else TESTBED_DOCUMENTS
    card = json.loads((folder / "pretraining.json").read_text())
    assert recipe_of(card) == TESTBED_RECIPE
    alone = dict.fromkeys(TESTBEDS[SHIPPED[folder]]().languages, counts["monolingual"])
    assert card["documents"] == alone | {
        kind: counts[kind] for kind in ("mixed", "bilingual") if counts[kind]
    }


@cache
def read_first(data, seed, documents):
    """Return the texts of the first window, which many models have read alike.

    `documents` are pairs of a kind and how many of it there are, by kind.
    """
    source, kinds = TESTBEDS[data](), [kind for kind, _ in documents]
    ends = np.cumsum([count for _, count in documents])
    texts = []
    for place in numpy_rng(seed, "pretrain", "order").permutation(ends[-1])[:WINDOW]:
        which = int(np.searchsorted(ends, place, side="right"))
        number = int(place - ends[which] + documents[which][1])
        texts.append(document(source, kinds[which], number))
    return texts


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda path: path.name)
def test_the_recipes_first_steps_give_the_recorded_losses(folder):
    """Without its whole corpus: the first window's documents are found by their numbers."""
    card = json.loads((folder / "pretraining.json").read_text())
    recipe = recipe_of(card)
    documents = tuple(sorted(card["documents"].items()))
    texts = read_first(SHIPPED[folder], recipe.seed, documents)
    order = numpy_rng(recipe.seed, "pretrain", "order")
    order.permutation(sum(card["documents"].values()))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    features = documents_of(texts, tokenizer, recipe)
    run = Pretraining(replace(recipe, block_steps=0), [features], tokenizer)
    batches = window_batches(np.arange(WINDOW), features.unit_lengths(), recipe.batch_tokens, order)
    for step, expected in enumerate(card["first_losses"][:5]):
        batch = collate(features, batches[step], tokenizer.pad_token_id)
        assert run._step(batch, step / recipe.steps) == pytest.approx(expected, abs=1e-3)


def test_the_shipped_model_knows_every_language_of_the_testbed():
    """Masked words of held-out documents are predicted far better than the vocabulary's guess."""
    tokenizer = AutoTokenizer.from_pretrained(TESTBED_MODEL)
    model = AutoModelForMaskedLM.from_pretrained(TESTBED_MODEL).eval()
    source = TestbedSource()
    for code in source.languages:
        documents = source.documents(code, "test")
        texts = [next(documents) for _ in range(8)]
        batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        gold = batch["input_ids"].clone()
        places = (gold > 4) & (gold.new_tensor(range(gold.shape[1])) % 7 == 3)
        batch["input_ids"][places] = tokenizer.mask_token_id
        predicted = model(**batch).logits.argmax(dim=-1)
        assert (predicted == gold)[places].float().mean() > 0.5, code
