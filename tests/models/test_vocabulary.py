"""A masked LM narrowed to some of its tokens computes what it did, and comes back whole."""

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    LlamaConfig,
    LlamaForCausalLM,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from stilts_repro.data.features import Features, collate
from stilts_repro.errors import InputError, MissingError
from stilts_repro.models.masked import Masking
from stilts_repro.models.pretrained import load_tokenizer
from stilts_repro.models.vocabulary import narrowed

SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 130,
    "initializer_range": 0.2,
}


@pytest.fixture(params=["bert", "xlm-roberta"])
def saved(request, tokenizer, tmp_path):
    ids = {"vocab_size": len(tokenizer) + 3, "pad_token_id": tokenizer.pad_token_id}
    kinds = {
        "bert": (BertConfig, BertForMaskedLM),
        "xlm-roberta": (XLMRobertaConfig, XLMRobertaForMaskedLM),
    }
    config, kind = kinds[request.param]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = kind(config(**SHAPE, **ids))
        torch.nn.init.normal_(model.get_output_embeddings().bias)
        model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


def features(tokenizer):
    rng = np.random.default_rng(0)
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    return Features.of([[bos, *rng.integers(200, 300, n), eos] for n in (9, 4, 7)])


@torch.no_grad()
def logits(model, read, pad):
    batch = collate(read, np.arange(3), pad)
    found = model.eval()(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    return found[batch.attention_mask.bool()]


def test_a_narrowed_model_gives_its_tokens_the_same_logits(saved, tokenizer):
    read, pad = features(tokenizer), tokenizer.pad_token_id
    whole = logits(AutoModelForMaskedLM.from_pretrained(saved), read, pad)
    found = narrowed(saved, read, tokenizer, 0)
    assert found.places[pad] == pad  # positions are counted from it
    assert set(found.ids) == {*read.ids.tolist(), *tokenizer.all_special_ids}
    narrow = logits(found.model, found.narrow(read), pad)
    torch.testing.assert_close(narrow, whole[:, torch.from_numpy(found.ids)])


def test_it_comes_back_whole(saved, tokenizer, tmp_path):
    read = features(tokenizer)
    before = AutoModelForMaskedLM.from_pretrained(saved)
    found = narrowed(saved, read, tokenizer, 0)
    with torch.no_grad():  # what training moves: every row that is there
        found.model.get_input_embeddings().weight += 1
        found.model.get_output_embeddings().bias += 2
    found.widened().save_pretrained(tmp_path / "after")
    after = AutoModelForMaskedLM.from_pretrained(tmp_path / "after")
    ids = torch.from_numpy(found.ids)
    others = torch.ones(len(found.table), dtype=torch.bool)
    others[ids] = False
    for name, model in {"before": before, "after": after}.items():
        assert model.get_output_embeddings().weight is model.get_input_embeddings().weight, name
    tables = [model.get_input_embeddings().weight for model in (before, after)]
    torch.testing.assert_close(tables[1][ids], tables[0][ids] + 1)
    assert torch.equal(tables[1][others], tables[0][others])
    biases = [model.get_output_embeddings().bias for model in (before, after)]
    torch.testing.assert_close(biases[1][ids], biases[0][ids] + 2)
    assert (biases[1][others] == biases[1][ids].min()).all()


def test_masks_are_drawn_among_the_tokens_that_are_there(saved, tokenizer):
    read = features(tokenizer)
    found = narrowed(saved, read, tokenizer, 0)
    masking = found.masking(Masking.of(tokenizer, 1.0))
    ids = torch.from_numpy(found.narrow(read).ids.astype(np.int64))
    masked, chosen = masking.apply(ids[None], torch.Generator().manual_seed(0))
    special = torch.tensor([found.places[token] for token in tokenizer.all_special_ids])
    assert torch.equal(chosen[0], ~torch.isin(ids, special))
    mask = int(found.places[tokenizer.mask_token_id])
    assert masked.min() >= 0 and masked.max() < len(found.ids)
    assert 0.6 < (masked[chosen] == mask).float().mean() < 1


def test_a_head_that_is_not_there_is_drawn_from_the_seed(tokenizer, tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        BertModel(BertConfig(**SHAPE, vocab_size=len(tokenizer))).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    heads = [
        narrowed(str(tmp_path), features(tokenizer), tokenizer, seed).model.cls.state_dict()
        for seed in (0, 0, 1)
    ]
    name = "predictions.transform.dense.weight"
    assert torch.equal(heads[0][name], heads[1][name])
    assert not torch.equal(heads[0][name], heads[2][name])


def test_a_masked_lm_whose_head_has_another_name_is_one_line(tokenizer, tmp_path):
    config = DistilBertConfig(
        vocab_size=len(tokenizer), dim=32, n_layers=1, n_heads=2, hidden_dim=32
    )
    DistilBertForMaskedLM(config).save_pretrained(tmp_path / "other")
    tokenizer.save_pretrained(tmp_path / "other")
    with pytest.raises(InputError, match="its masked-LM head is none that is known"):
        narrowed(str(tmp_path / "other"), features(tokenizer), tokenizer, 0)


def test_a_padding_token_behind_all_that_are_kept_is_one_line(saved):
    late = load_tokenizer(saved)
    late.pad_token = late.convert_ids_to_tokens(len(late) - 1)
    with pytest.raises(InputError, match=r"it pads with token \d+, and the text has \d+ of its"):
        narrowed(saved, features(late), late, 0)


def test_what_is_no_masked_lm_is_one_line(tokenizer, tmp_path):
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path / "llama")
    tokenizer.save_pretrained(tmp_path / "llama")
    with pytest.raises(InputError, match="it is no masked language model"):
        narrowed(str(tmp_path / "llama"), features(tokenizer), tokenizer, 0)
    with pytest.raises(MissingError):
        narrowed(str(tmp_path / "none"), features(tokenizer), tokenizer, 0)
