"""What crosses from phase (ii) to phase (iii): nothing but what the choice names."""

import json

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from stilts_repro.errors import InputError, MissingError
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.models.pretrained import fingerprint
from stilts_repro.models.transfer import (
    CROSSINGS,
    DEFAULT,
    crossing_heads,
    save_intermediate,
    start_from,
)
from stilts_repro.tasks.classification import Classification
from stilts_repro.tasks.span import Span

# Kinds of pooler: the class's own, one added here (encoder, encoder-decoder), none.
KINDS = ("xlm-roberta", "bert", "distilbert", "mt5", "qwen3")


@pytest.fixture
def intermediate(started, tokenizer, tmp_path):
    """Return a phase-(ii) model of a type and the directory it was saved in."""

    def save(kind):
        model = started(kind)
        save_intermediate(model, tmp_path / kind, tokenizer)
        return model, tmp_path / kind

    return save


def weights(model, part):
    """Return the backbone's weights, its pooler's or the heads'."""
    state = model.state_dict()
    pooler = {name for name in state if name.startswith("backbone.pooler.")}
    heads = {name for name in state if name.startswith("heads.")}
    names = {"pooler": pooler, "heads": heads, "encoder": set(state) - pooler - heads}[part]
    return {name: state[name] for name in sorted(names)}


def equal(first, second):
    return first.keys() == second.keys() and all(
        torch.equal(value, second[name]) for name, value in first.items()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_plain_auto_model_loads_what_phase_two_saved_without_remark(intermediate, batch_of, kind):
    model, path = intermediate(kind)
    plain, said = AutoModel.from_pretrained(path, output_loading_info=True)
    assert not any(said.values()), said
    assert json.loads((path / "config.json").read_text())["architectures"] == [type(plain).__name__]
    assert equal(
        {f"backbone.{name}": v for name, v in plain.state_dict().items() if "pooler" not in name},
        weights(model, "encoder"),
    )
    assert AutoTokenizer.from_pretrained(path)("he")["input_ids"]
    assert {file.suffix for file in path.iterdir()} <= {".json", ".safetensors"}
    added = kind in ("distilbert", "mt5")
    assert (path / "pooler.safetensors").is_file() == added


@pytest.mark.parametrize("crosses", CROSSINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_named_crosses_and_the_rest_is_the_baselines(
    intermediate, saved, formats, kind, crosses
):
    model, path = intermediate(kind)
    bare = AutoModel.from_pretrained(saved(kind)).state_dict()
    target = start_from(str(path), formats, 11, crosses)
    baseline = start_from(str(saved(kind)), formats, 11)
    assert equal(weights(target, "encoder"), weights(model, "encoder"))
    heads = model if crosses == "encoder_pooler_head" else baseline
    assert equal(weights(target, "heads"), weights(heads, "heads"))
    pooler = weights(target, "pooler")
    assert bool(pooler) == (kind != "qwen3")
    if crosses != "encoder":
        assert equal(pooler, weights(model, "pooler"))
    elif "pooler.dense.weight" not in bare:  # else the baseline's is the checkpoint's own
        assert equal(pooler, weights(baseline, "pooler"))
    else:
        assert not equal(pooler, weights(model, "pooler"))


def test_a_fresh_pooler_is_the_one_that_a_checkpoint_without_gets(
    intermediate, saved, formats, tokenizer, tmp_path
):
    _, path = intermediate("xlm-roberta")
    plain = AutoModel.from_pretrained(saved("xlm-roberta"), add_pooling_layer=False)
    plain.save_pretrained(tmp_path / "public")
    tokenizer.save_pretrained(tmp_path / "public")
    baseline = weights(start_from(str(tmp_path / "public"), formats, 11), "pooler")
    fresh = start_from(str(path), formats, 11, "encoder")
    assert equal(weights(fresh, "pooler"), baseline)
    assert not equal(weights(start_from(str(path), formats, 12, "encoder"), "pooler"), baseline)
    assert fresh.backbone.dtype == torch.float32


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_with_the_head_it_predicts_as_before(intermediate, formats, batch_of, kind):
    model, path = intermediate(kind)
    again = start_from(str(path), formats, 4, "encoder_pooler_head").eval()
    for task in formats:
        batch = batch_of(group=2 if task == "choice" else 1)
        assert torch.equal(again(task, batch), model(task, batch))


def test_jiants_choice_is_the_default(intermediate, formats):
    _, path = intermediate("mt5")
    assert DEFAULT == "encoder_pooler"
    assert equal(
        start_from(str(path), formats, 1).state_dict(),
        start_from(str(path), formats, 1, "encoder_pooler").state_dict(),
    )


def test_a_later_pooler_is_saved_anew(intermediate, formats, tokenizer):
    model, path = intermediate("mt5")
    before = fingerprint(str(path))
    with torch.no_grad():
        model.backbone.pooler.dense.weight += 1
    save_intermediate(model, path, tokenizer)
    assert equal(weights(start_from(str(path), formats, 1), "pooler"), weights(model, "pooler"))
    assert fingerprint(str(path)) != before


# Which head crosses ------------------------------------------------------------------------------

NLI = Classification("premise", "hypothesis", "label", ("entailment", "neutral", "contradiction"))
OTHERS = {
    "same labels": NLI,
    "other order": Classification("a", "b", "c", ("contradiction", "neutral", "entailment")),
    "two labels": Classification("a", "b", "c", ("0", "1")),
}


def test_a_head_crosses_to_the_same_format_and_labels_only(intermediate, formats):
    model, path = intermediate("xlm-roberta")
    assert crossing_heads(str(path), OTHERS) == {"same labels": "nli"}
    assert crossing_heads(str(path), {"squad_v2": Span(unanswerable=True)}) == {"squad_v2": "spans"}
    target = start_from(str(path), OTHERS, 1, "encoder_pooler_head")
    fresh = start_from(str(path), OTHERS, 1)
    for name in OTHERS:
        found, expected = target.heads[name], fresh.heads[name]
        if name == "same labels":
            expected = model.heads["nli"]
        assert equal(found.state_dict(), expected.state_dict())


def test_of_several_heads_the_namesake_crosses_else_the_first(started, tokenizer, tmp_path):
    backbone = started("xlm-roberta").backbone
    names = {"anli": NLI, "mnli": NLI}
    save_intermediate(MultiTaskModel.fresh(backbone, names, 0), tmp_path, tokenizer)
    assert crossing_heads(str(tmp_path), {"mnli": NLI, "xnli": NLI}) == {
        "mnli": "mnli",
        "xnli": "anli",
    }


def test_without_heads_none_can_cross(saved, formats):
    with pytest.raises(MissingError, match=r"heads\.json"):
        start_from(str(saved("bert")), formats, 0, "encoder_pooler_head")


@pytest.mark.parametrize(
    ("file", "crosses"),
    [("pooler.safetensors", DEFAULT), ("heads.safetensors", "encoder_pooler_head")],
)
@pytest.mark.parametrize("spoil", ["cut", "other"])
def test_a_broken_file_is_told_in_one_line(intermediate, formats, file, crosses, spoil):
    _, path = intermediate("mt5")
    if spoil == "cut":
        (path / file).write_bytes((path / file).read_bytes()[:20])
    else:
        other = {"pooler.safetensors": "heads.safetensors"}.get(file, "pooler.safetensors")
        (path / file).write_bytes((path / other).read_bytes())
    with pytest.raises(InputError, match="it does not load") as caught:
        start_from(str(path), formats, 0, crosses)
    assert str(caught.value).startswith(f"{path / file}: ")
    assert "\n" not in str(caught.value)
    start_from(str(path), formats, 0, "encoder")  # which needs neither
