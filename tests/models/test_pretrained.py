"""What can be told of a model before its weights are loaded, and one line where it cannot work."""

import json
import shutil

import pytest
from tokenizers import Tokenizer, models
from transformers import (
    AutoConfig,
    BertConfig,
    BertModel,
    ByT5Tokenizer,
    CamembertConfig,
    CamembertModel,
    PreTrainedTokenizerFast,
    ViTConfig,
)

from stilts_repro.data.cache import tokenizer_hash
from stilts_repro.errors import InputError, MissingError, StiltsError
from stilts_repro.models import pretrained
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.pretrained import (
    check_directory,
    check_masked,
    check_pretrained,
    fingerprint,
    load_tokenizer,
    location,
    pinned_model,
)
from tests.refusing import refusal

SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 128,
}


def test_a_hub_id_is_not_looked_for_on_disk():
    check_directory("FacebookAI/xlm-roberta-base")


@pytest.mark.parametrize("load", [check_directory, load_tokenizer])
def test_a_directory_that_is_not_there_is_missing(tmp_path, load):
    assert "no such directory" in refusal(MissingError, load, tmp_path / "nowhere")
    assert "no such directory" in refusal(MissingError, load, "./nowhere")
    assert "no such directory" in refusal(MissingError, load, "a/b/c")


def test_a_file_is_not_a_model(copy):
    message = refusal(InputError, check_directory, copy / "config.json")
    assert "not a directory" in message


@pytest.mark.parametrize(
    "content", ["{", json.dumps({"version": "9.0", "model": {"type": "Newer"}}), "[]"]
)
def test_a_tokenizer_that_cannot_be_read_is_told_in_one_line(copy, content):
    (copy / "tokenizer.json").write_text(content)
    assert "its tokenizer does not load (" in refusal(StiltsError, load_tokenizer, copy)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"model_type": "newer"})])
def test_a_configuration_that_cannot_be_read_is_told_in_one_line(copy, content):
    (copy / "config.json").write_text(content)
    refusal(StiltsError, check_pretrained, copy, 128)


# Tokenizers that models were not made for ---------------------------------------------------------


def test_a_good_model_is_passed_with_its_tokenizer(tiny_model, tokenizer):
    assert check_pretrained(str(tiny_model), 128)("he")["input_ids"] == tokenizer("he")["input_ids"]


def respelt(copy, **changes):
    """Change the tokenizer's settings; None takes one out."""
    path = copy / "tokenizer_config.json"
    settings = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in settings.items() if v is not None}))


def test_without_a_padding_token_the_end_pads(copy):
    respelt(copy, pad_token=None)
    found = load_tokenizer(str(copy))
    assert found.pad_token_id == found.eos_token_id


def test_without_padding_and_end_nothing_can_be_batched(copy):
    respelt(copy, pad_token=None, eos_token=None)
    assert "neither a padding nor an end token" in refusal(InputError, load_tokenizer, copy)


def test_a_tokenizer_in_python_is_refused(copy):
    (copy / "tokenizer.json").unlink()
    ByT5Tokenizer().save_pretrained(copy)
    (copy / "vocab.json").write_text("{}")  # it has no vocabulary, but a folder must have one
    assert "no fast tokenizer (ByT5Tokenizer" in refusal(InputError, check_pretrained, copy, 128)


def test_more_tokens_than_embeddings_are_refused(copy, tokenizer):
    found = load_tokenizer(str(copy))
    found.add_tokens(["<e1>", "<e2>"])
    found.save_pretrained(copy)
    message = refusal(InputError, check_pretrained, copy, 128)
    assert f"up to {len(tokenizer) + 1}, its embeddings end before {len(tokenizer)}" in message


def test_embeddings_that_are_not_as_many_as_the_configuration_says_are_refused(copy, tokenizer):
    config = json.loads((copy / "config.json").read_text()) | {"vocab_size": len(tokenizer) + 8}
    (copy / "config.json").write_text(json.dumps(config))
    message = refusal(InputError, check_pretrained, copy, 128)
    told = f"has {len(tokenizer) + 8} tokens, its embeddings {len(tokenizer)}; mend vocab_size"
    assert told in message


def test_texts_that_cannot_be_told_apart_are_refused(copy):
    words = Tokenizer(models.WordLevel({"<pad>": 0, "<unk>": 1, "a": 2, "b": 3}, unk_token="<unk>"))
    bare = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", unk_token="<unk>")
    bare.save_pretrained(copy)
    with pytest.raises(InputError, match="no token to put between two texts"):
        check_pretrained(str(copy), 128)


def test_more_segments_than_the_model_tells_apart_are_refused(copy, tokenizer):
    config = AutoConfig.for_model("bert", **SHAPE, vocab_size=len(tokenizer), type_vocab_size=2)
    BertModel(config).save_pretrained(copy)
    check_pretrained(str(copy), 128)
    content = json.loads((copy / "tokenizer.json").read_text())
    for piece in content["post_processor"]["pair"][-2:]:
        next(iter(piece.values()))["type_id"] = 2
    (copy / "tokenizer.json").write_text(json.dumps(content))
    settings = {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}
    respelt(copy, **settings)
    assert "tells segments up to 2" in refusal(InputError, check_pretrained, copy, 128)


def test_a_model_of_other_things_than_text_is_refused(copy):
    ViTConfig().save_pretrained(copy)
    assert "no language model of type 'vit'" in refusal(InputError, check_pretrained, copy, 128)


@pytest.mark.parametrize(("padding", "says"), [(99_999, "pads with token 99999"), (None, "none")])
def test_a_padding_token_that_is_none_is_refused(copy, padding, says):
    path = copy / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pad_token_id": padding}))
    assert says in refusal(InputError, check_pretrained, copy, 128)


def test_weights_that_lost_their_end_are_found_before_they_are_loaded(copy):
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    message = refusal(MissingError, check_pretrained, copy, 128)
    assert "its weights do not load (model.safetensors: " in message


# Continued masked-language modelling --------------------------------------------------------------


def test_a_masked_lm_can_be_continued(masked_lm):
    check_masked(str(masked_lm), load_tokenizer(str(masked_lm)))


def test_without_a_mask_token_nothing_can_be_masked(masked_lm, tmp_path):
    copy = shutil.copytree(masked_lm, tmp_path / "model")
    respelt(copy, mask_token=None)
    assert "no mask token" in refusal(InputError, check_masked, copy, load_tokenizer(str(copy)))


def test_an_encoder_alone_has_no_head_to_continue_with(copy):
    assert "no masked-LM head" in refusal(InputError, check_masked, copy, load_tokenizer(str(copy)))


# Positions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "backbone", "longest"),
    [(BertConfig, BertModel, 128), (CamembertConfig, CamembertModel, 126)],
)
def test_positions_after_padding_are_not_counted_whatever_the_type_is_called(
    copy, tokenizer, kind, backbone, longest
):
    """CamemBERT counts from 2, as RoBERTa does, and its type's name does not say so."""
    config = kind(
        **SHAPE, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, type_vocab_size=1
    )
    backbone(config).save_pretrained(copy)
    check_pretrained(str(copy), longest)
    message = refusal(InputError, check_pretrained, copy, longest + 1)
    assert f"it reads {longest} tokens, the scale's recipes up to {longest + 1}" in message


# What identifies a model --------------------------------------------------------------------------


def test_the_fingerprint_follows_what_decides_the_outputs(copy, tiny_model):
    before = fingerprint(str(tiny_model))
    assert fingerprint(str(copy)) == before
    (copy / "README.md").write_text("a card")
    assert fingerprint(str(copy)) == before
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(content + b" ")
        assert fingerprint(str(copy)) != before, name
        (copy / name).write_bytes(content)
    assert fingerprint("FacebookAI/xlm-roberta-base") == "FacebookAI/xlm-roberta-base"


def test_the_tokenizers_hash_follows_all_of_it(copy):
    def found():
        return tokenizer_hash(load_tokenizer(str(copy)))

    before = found()
    respelt(copy, name_or_path="elsewhere")
    assert found() == before
    respelt(copy, mask_token="<unk>")
    masked = found()
    respelt(copy, mask_token="<mask>", pad_token="</s>")
    padded = found()
    respelt(copy, pad_token="<pad>")
    added = load_tokenizer(str(copy))
    added.add_tokens(["qaab"])
    added.save_pretrained(copy)
    assert len({before, masked, padded, found()}) == 4


def test_a_hub_id_may_name_its_commit():
    told = location("a/b@1234")
    assert (told["pretrained_model_name_or_path"], told["revision"]) == ("a/b", "1234")
    assert "revision" not in location("a/b")


def test_a_hub_id_stands_for_the_commit_that_was_loaded(monkeypatch, tmp_path):
    config = tmp_path / "models--a--b" / "snapshots" / "5678" / "config.json"
    monkeypatch.setattr(pretrained, "try_to_load_from_cache", lambda *_: str(config))
    assert pinned_model("a/b") == "a/b@5678"
    assert pinned_model("a/b@1234") == "a/b@1234"
    assert pinned_model(str(tmp_path)) == str(tmp_path)


def test_the_end_that_pads_is_known_to_a_causal_model(tmp_path, tokenizer):
    config = AutoConfig.for_model("gpt2", n_embd=16, n_layer=1, n_head=2, n_positions=64)
    config.vocab_size, config.pad_token_id = len(tokenizer), None
    from transformers import GPT2Model

    GPT2Model(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    respelt(tmp_path, pad_token=None)
    assert load_backbone(str(tmp_path), 0).config.pad_token_id == tokenizer.eos_token_id
