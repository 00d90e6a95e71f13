import json

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, BertConfig, BertModel, XLMRobertaModel

from stilts_repro.errors import MissingError, StiltsError
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.pretrained import check_directory, load_tokenizer
from tests.refusing import refusal


def test_a_whole_directory_passes(tiny_model, tokenizer):
    check_directory(str(tiny_model))
    assert load_tokenizer(str(tiny_model))("he")["input_ids"] == tokenizer("he")["input_ids"]
    assert load_backbone(str(tiny_model), 0).dtype == torch.float32


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("config.json", "no config.json"),
        ("model.safetensors", "no weights in it (model.safetensors)"),
        ("tokenizer.json", "no tokenizer in it"),
    ],
)
def test_a_directory_that_lacks_a_file_is_missing_it(copy, file, says):
    (copy / file).unlink()
    for load, arguments in ((check_directory, ()), (load_tokenizer, ()), (load_backbone, (0,))):
        assert says in refusal(MissingError, load, copy, *arguments)


def test_pickled_weights_are_not_weights(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    assert "no weights" in refusal(MissingError, load_backbone, copy, 0)


@pytest.mark.parametrize("spoil", ["not json", "unknown type", "other shape"])
def test_weights_that_do_not_load_are_told_in_one_line(copy, spoil):
    config = json.loads((copy / "config.json").read_text())
    text = {
        "not json": "{",
        "unknown type": json.dumps({**config, "model_type": "zzz"}),
        "other shape": json.dumps({**config, "hidden_size": 48}),
    }[spoil]
    (copy / "config.json").write_text(text)
    assert "its weights do not load (" in refusal(StiltsError, load_backbone, copy, 0)


@pytest.mark.parametrize("keep", [0, 1000])
def test_truncated_weights_are_told_in_one_line(copy, keep):
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    refusal(StiltsError, load_backbone, copy, 0)


def test_weights_of_another_model_are_refused(copy):
    """jiant #1329: names that did not fit loaded nothing, silently."""
    save_file({"foreign": torch.zeros(2)}, copy / "model.safetensors", metadata={"format": "pt"})
    refusal(StiltsError, load_backbone, copy, 0)


# The pooler ---------------------------------------------------------------------------------------


@pytest.fixture
def without_pooler(tiny_model, tokenizer, tmp_path):
    path = tmp_path / "no_pooler"
    XLMRobertaModel.from_pretrained(tiny_model, add_pooling_layer=False).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def pooler(path, seed):
    return load_backbone(str(path), seed).pooler.dense.weight


def test_a_checkpoint_without_pooler_gets_one_from_the_seed(without_pooler, tiny_model):
    first = pooler(without_pooler, 1)
    torch.rand(7)
    assert torch.equal(pooler(without_pooler, 1), first)
    assert not torch.equal(pooler(without_pooler, 2), first)
    deviation = AutoConfig.from_pretrained(tiny_model).initializer_range
    assert first.std().item() == pytest.approx(deviation, rel=0.1)
    whole, bare = (load_backbone(str(path), 1) for path in (tiny_model, without_pooler))
    for name, value in bare.encoder.state_dict().items():
        assert torch.equal(value, whole.encoder.state_dict()[name])


def test_a_pooler_of_the_checkpoint_is_kept(tiny_model):
    assert torch.equal(pooler(tiny_model, 1), pooler(tiny_model, 2))


def test_a_backbone_whose_class_has_no_pooler_gets_one(tokenizer, tmp_path, monkeypatch):
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    from stilts_repro.models import backbone as module

    def bare(pretrained_model_name_or_path, **options):
        path = pretrained_model_name_or_path
        return BertModel.from_pretrained(path, add_pooling_layer=False, output_loading_info=True)

    monkeypatch.setattr(module.AutoModel, "from_pretrained", bare)
    first, again = (load_backbone(str(tmp_path), 1).pooler for _ in range(2))
    states = torch.randn(3, 4, 16)
    assert torch.equal(first(states), again(states))
    torch.testing.assert_close(first(states), torch.tanh(first.dense(states[:, 0])))
