import logging

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from stilts_repro.errors import InputError, MissingError
from stilts_repro.translation.seq2seq import Seq2SeqTranslator, direction
from stilts_repro.translation.texts import translate_cached

TEXTS = ["Mila Torv visited Ida.", "the baker washed two old saws.", "why?", "", "a b c d e f g."]


def template(folder):
    return str(folder.parent / "en-{code}")


@pytest.mark.parametrize("beams", [1, 3])
def test_batches_translate_as_the_model_does_one_by_one(marian, beams, recwarn, caplog):
    translator = Seq2SeqTranslator(template(marian), beams=beams, batch_tokens=60)
    with caplog.at_level(logging.WARNING):
        found = translator.translate(TEXTS, "qaa")
    assert not [w for w in recwarn if "transformers" in str(w.filename)]
    model = AutoModelForSeq2SeqLM.from_pretrained(marian).eval()
    tokenizer = AutoTokenizer.from_pretrained(marian)
    for text, translation in zip(TEXTS, found, strict=True):
        if not text:
            assert translation == ""
            continue
        inputs = tokenizer(text, return_tensors="pt")
        ids = model.generate(**inputs, num_beams=beams, do_sample=False, max_length=64)
        expected = tokenizer.decode(ids[0], skip_special_tokens=True).strip()
        assert translation and (beams > 1 or expected.startswith(translation))
        assert translator.translate([text], "qaa") == [translation]
    assert Seq2SeqTranslator(template(marian), beams=beams).translate(TEXTS, "qaa") == found


def test_a_text_beyond_the_models_limit_is_translated_in_pieces(marian):
    translator = Seq2SeqTranslator(template(marian))
    sentences = [f"the baker washed two old saws and {n} chairs." for n in range(5)]
    whole, *alone = translator.translate([" ".join(sentences), *sentences], "qaa")
    assert whole == " ".join(alone)
    model = translator._model("qaa")
    assert model.pieces(" ".join(sentences)) == sentences
    assert all(model.length(piece) <= model.limit for piece in model.pieces("washed " * 60))
    endless, *halves = translator.translate(["washed " * 60, *model.pieces("washed " * 60)], "qaa")
    assert endless == " ".join(halves) and len(halves) > 1


def test_nllb_is_told_both_languages(nllb):
    tokenizer = AutoTokenizer.from_pretrained(nllb)
    for code, token in (("de", "deu_Latn"), ("ar", "arb_Arab"), ("zh", "zho_Hans")):
        prefix, forced = direction(tokenizer, "nllb", code, {})
        assert tokenizer.convert_ids_to_tokens(forced) == token and not prefix
    _, forced = direction(tokenizer, "nllb", "zh", {"zh": "zho_Hant"})
    assert tokenizer.convert_ids_to_tokens(forced) == "zho_Hant"
    assert tokenizer.convert_ids_to_tokens(tokenizer("a")["input_ids"][0]) == "eng_Latn"
    forced_first(nllb, "deu_Latn")


def test_mbart_is_told_both_languages(mbart):
    tokenizer = AutoTokenizer.from_pretrained(mbart)
    _, forced = direction(tokenizer, "mbart", "zh", {})
    assert tokenizer.convert_ids_to_tokens(forced) == "zh_CN"
    assert tokenizer.convert_ids_to_tokens(tokenizer("a")["input_ids"][0]) == "en_XX"
    forced_first(mbart, "de_DE")


def forced_first(folder, token):
    """A translation begins with the target's token, which is no part of its text."""
    translator = Seq2SeqTranslator(str(folder))
    loaded = translator._model("de")
    forced = loaded.tokenizer.convert_tokens_to_ids(token)
    found = translator.translate(["a small frog."], "de")[0]
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    inputs = AutoTokenizer.from_pretrained(folder)("a small frog.", return_tensors="pt")
    with torch.no_grad():
        ids = model.generate(**inputs, forced_bos_token_id=forced, max_length=64, num_beams=1)
    assert loaded.forced == ids[0, 1] == forced and token not in found
    assert loaded.tokenizer.decode(ids[0], skip_special_tokens=True).startswith(found)


def test_another_language_of_a_model_needs_no_loading(nllb):
    translator = Seq2SeqTranslator(str(nllb))
    german, french = (translator._model(code) for code in ("de", "fr"))
    assert german.weights is french.weights and german.forced != french.forced


def test_marian_of_several_targets_reads_the_language_before_the_text(tokenizer):
    class Several:
        def get_vocab(self):
            return {">>fra<<": 5, ">>por<<": 6, "▁a": 7, "de_DE": 8}

    assert direction(Several(), "m", "fr", {}) == (">>fra<< ", None)
    with pytest.raises(InputError, match="none for 'de'"):
        direction(Several(), "m", "de", {})
    assert direction(tokenizer, "m", "de", {}) == ("", None)


def test_models_whose_tokenizers_need_sentencepiece(with_sentencepiece):
    pair = Seq2SeqTranslator(str(with_sentencepiece / "en-{code}"))
    assert pair.translate(TEXTS[:1], "qaa")[0] and pair._model("qaa").forced is None
    many = Seq2SeqTranslator(str(with_sentencepiece / "m2m"))
    for code in ("de", "zh"):
        model = many._model(code)
        tokens = model.tokenizer.convert_ids_to_tokens
        assert tokens(model.forced) == f"__{code}__"
        assert tokens(model.tokenizer("a")["input_ids"][0]) == "__en__"
        assert not many.translate(TEXTS[:1], code)[0].startswith("__")


def test_what_cannot_translate_is_named_in_one_line(marian, nllb, tmp_path):
    (tmp_path / "en-de").mkdir()
    commit = "0" * 40
    for model, revision, target, kind, words in (
        (str(marian), None, "qaa", InputError, "{code}"),
        (template(marian), None, "qab", MissingError, "no such directory"),
        (str(nllb), None, "qaa", InputError, "none for 'qaa'"),
        (str(tmp_path / "en-{code}"), None, "de", MissingError, "does not load"),
        ("nobody/opus-{code}", None, "de", InputError, "40 hex digits"),
        ("nobody/opus-{code}", {"fr": commit}, "de", InputError, "40 hex digits"),
        ("nobody/opus", "main", "de", InputError, "40 hex digits"),
    ):
        with pytest.raises(kind, match=words) as error:
            Seq2SeqTranslator(model, revision).translate(["a"], target)
        assert "\n" not in str(error.value) and words in str(error.value)
    with pytest.raises(InputError, match="beams 0"):
        Seq2SeqTranslator("a/b", beams=0)


def test_names_say_model_commit_and_search(marian):
    commit = "ab" * 20
    many = Seq2SeqTranslator("org/nllb", commit, {"zh": "zho_Hant"}, beams=4)
    assert many.name == f"org/nllb@{commit}, 4 beams"
    assert many.version("de") == many.name
    assert many.version("zh") == f"org/nllb@{commit}, code zho_Hant, 4 beams"
    pairs = Seq2SeqTranslator("org/en-{code}", {"de": commit})
    assert pairs.name == "org/en-{code}, greedy"
    assert pairs.version("de") == f"org/en-de@{commit}, greedy"
    local = Seq2SeqTranslator(template(marian))
    assert local.version("qaa").startswith("en-qaa@") and str(marian.parent) not in local.name


def test_the_model_serves_the_cache(marian, kept):
    translator = Seq2SeqTranslator(template(marian))
    first = translate_cached(translator, TEXTS, "qaa")
    assert first == translator.translate(TEXTS, "qaa")
    assert translate_cached(Seq2SeqTranslator(template(marian)), TEXTS, "qaa") == first
