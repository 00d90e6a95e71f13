import numpy as np
import pytest
import torch
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

from stilts_repro.data.features import TOKEN_PADDING, Features, collate
from stilts_repro.models.masked import Masking, masked_batch, mlm_loss

SPECIALS = (0, 1, 2, 3, 4)
MASKING = Masking(mask_id=4, special_ids=SPECIALS, vocabulary=200)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(0)
    ids = torch.from_numpy(rng.integers(5, 200, (400, 250)))
    ids[:, 0], ids[:, -3], ids[:, -2:] = 0, 2, 1
    return ids


def test_fifteen_percent_are_chosen_and_eight_in_ten_masked(many):
    masked, chosen = MASKING.apply(many, generator())
    ordinary = many > 4
    assert (chosen.sum() / ordinary.sum()).item() == pytest.approx(0.15, abs=0.005)
    before, after = many[chosen], masked[chosen]
    as_mask = after == 4
    assert as_mask.float().mean().item() == pytest.approx(0.8, abs=0.015)
    kept = after == before
    assert kept.float().mean().item() == pytest.approx(0.1 + 0.1 / 195, abs=0.01)
    random = after[~as_mask & ~kept]
    assert (random > 4).all()
    # Random replacements come from all ordinary tokens alike.
    counts = torch.bincount(random, minlength=200)[5:].float()
    assert counts.min() > 0
    assert counts.std() < 2 * counts.mean() ** 0.5


def test_special_tokens_are_never_chosen_nor_changed(many):
    masked, chosen = Masking(4, SPECIALS, 200, rate=1.0).apply(many, generator())
    special = many <= 4
    assert not chosen[special].any()
    assert chosen[~special].all()
    assert torch.equal(masked[special], many[special])


def test_places_not_chosen_are_left_alone(many):
    masked, chosen = MASKING.apply(many, generator())
    assert torch.equal(masked[~chosen], many[~chosen])


def test_masks_are_the_generators(many):
    first, again, other = (MASKING.apply(many, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


def test_random_replacements_are_drawn_from_the_sorted_vocabulary(many):
    """References hang on it: the n-th draw is the n-th ordinary token, in the batch's own type."""
    masking = Masking(mask_id=7, special_ids=(7, 0, 3), vocabulary=200)
    for ids in (many, many.int(), many):
        draws = generator(5)
        rates, dice = (torch.rand(ids.shape, generator=draws) for _ in range(2))
        ordinary = [token for token in range(200) if token not in (0, 3, 7)]
        places = torch.randint(len(ordinary), ids.shape, generator=draws)
        masked, chosen = masking.apply(ids, generator(5))
        assert masked.dtype == ids.dtype
        random = chosen & (dice >= 0.9)
        assert random.any() and not (chosen & (rates >= 0.15)).any()
        assert masked[random].tolist() == [ordinary[i] for i in places[random].tolist()]


def test_masking_knows_its_tokenizer(tokenizer):
    masking = Masking.of(tokenizer)
    assert masking.mask_id == tokenizer.mask_token_id == 4
    assert sorted(masking.special_ids) == list(SPECIALS)
    assert (masking.vocabulary, masking.rate) == (len(tokenizer), 0.15)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=200,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=60,
        type_vocab_size=1,
        initializer_range=0.2,
    )
    model = XLMRobertaForMaskedLM(config).eval()
    torch.nn.init.normal_(model.lm_head.bias)
    return model


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(1)
    ids = [[0, *rng.integers(5, 200, n), 2] for n in (30, 12, 50, 7)]
    return collate(Features.of(ids), np.arange(4), 1)


def test_the_loss_at_chosen_places_is_that_of_the_full_head(model, batch):
    masked = masked_batch(batch, MASKING, generator(3))
    labels = masked.token["label"]
    assert 5 < (labels != TOKEN_PADDING).sum() < 30
    expected = model(masked.input_ids, batch.attention_mask, labels=labels).loss
    found = mlm_loss(model, masked)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    for loss in (found, expected):
        model.zero_grad()
        loss.backward()
        gradient = model.roberta.embeddings.word_embeddings.weight.grad.clone()
        if loss is found:
            ours = gradient
    torch.testing.assert_close(ours, gradient, rtol=0, atol=1e-5)


def test_a_batch_without_a_chosen_place_has_a_finite_loss(model):
    """Short last batches of a chunk hold a few tokens, of which often none is chosen."""
    few = collate(Features.of([[0, 50, 2]]), np.arange(1), 1)
    loss = mlm_loss(model, masked_batch(few, Masking(4, SPECIALS, 200, rate=0.0), generator()))
    assert loss == 0
