"""Tiny random translation models in transformers' own classes, and translators without a model."""

import json
from itertools import islice
from pathlib import Path

import pytest
import torch
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    MBart50Tokenizer,
    MBartConfig,
    MBartForConditionalGeneration,
    NllbTokenizer,
)

from stilts_repro.errors import InputError
from stilts_repro.testbed import TestbedSource
from stilts_repro.translation.texts import TextTranslator

LETTERS = "abcdefghijklmnopqrstuvwxyz.?!,ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_SIZES = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "max_position_embeddings": 64,
    "init_std": 0.5,
}
START, PAD, END = 0, 1, 2


def save(kind, config_class, tokenizer, folder, **more):
    config = config_class(
        **_SIZES,
        **{"vocab_size": len(tokenizer), **more},
        pad_token_id=PAD,
        eos_token_id=END,
        bos_token_id=START,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        kind(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def marian(tokenizer, tmp_path_factory):
    """The folder of a random Marian model from English to `qaa`; its name is `en-qaa`."""
    folder = tmp_path_factory.mktemp("marian") / "en-qaa"
    more = {"decoder_start_token_id": PAD, "decoder_vocab_size": len(tokenizer)}
    return save(MarianMTModel, MarianConfig, tokenizer, folder, **more)


@pytest.fixture(scope="session")
def nllb(tmp_path_factory):
    """The folder of a random NLLB model (M2M100's class), with all of its languages."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", *LETTERS]
    tokenizer = NllbTokenizer(vocab={piece: at for at, piece in enumerate(pieces)}, merges=[])
    folder = tmp_path_factory.mktemp("nllb") / "nllb"
    more = {"decoder_start_token_id": END}
    return save(M2M100ForConditionalGeneration, M2M100Config, tokenizer, folder, **more)


@pytest.fixture(scope="session")
def mbart(tmp_path_factory):
    """The folder of a random mBART-50 model, with all of its languages."""
    pieces = ["<unk>", "<s>", "</s>", "▁", *LETTERS]
    tokenizer = MBart50Tokenizer(vocab=[(piece, -1.0) for piece in pieces])
    folder = tmp_path_factory.mktemp("mbart") / "mbart"
    more = {"decoder_start_token_id": END, "forced_eos_token_id": END}
    return save(MBartForConditionalGeneration, MBartConfig, tokenizer, folder, **more)


@pytest.fixture(scope="session")
def with_sentencepiece(tmp_path_factory):
    """Folders of random models whose tokenizers need sentencepiece: Marian's (of a pair), M2M100.

    Their tokenizers are trained on a few documents of the testbed.
    """
    pytest.importorskip("sentencepiece", reason="the tokenizers of OPUS-MT and M2M100 need it")
    import sentencepiece

    root = tmp_path_factory.mktemp("sentencepiece")
    spm, vocabulary = str(root / "s.model"), str(root / "vocabulary.json")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=islice(TestbedSource().documents("en"), 150),
        model_prefix=str(root / "s"),
        vocab_size=150,
        minloglevel=2,
    )
    trained = sentencepiece.SentencePieceProcessor(model_file=spm)
    pieces = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces += [trained.id_to_piece(at) for at in range(3, trained.get_piece_size())]
    Path(vocabulary).write_text(json.dumps({piece: at for at, piece in enumerate(pieces)}))
    marian = MarianTokenizer(spm, spm, vocabulary, source_lang="en", target_lang="qaa")
    more = {"decoder_start_token_id": PAD, "decoder_vocab_size": len(pieces)}
    save(MarianMTModel, MarianConfig, marian, root / "en-qaa", **more)
    m2m = M2M100Tokenizer(vocabulary, spm)
    more = {"decoder_start_token_id": END, "vocab_size": len(pieces) + len(m2m.lang_token_to_id)}
    save(M2M100ForConditionalGeneration, M2M100Config, m2m, root / "m2m", **more)
    return root


class Dictionary(TextTranslator):
    """Translates by `says`, a function of one text; remembers what it was asked."""

    name = "dictionary"

    def __init__(self, says=None, fails_after=None):
        self.says = says or (lambda text: f"<{text}>")
        self.asked = []
        self.fails_after = fails_after

    def version(self, target):
        return "dictionary 1"

    def translate(self, texts, target):
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise KeyboardInterrupt
        if target == "xx":
            raise InputError("dictionary: no such language 'xx'")
        self.asked += texts
        return [self.says(text) for text in texts]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("STILTS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "translations"
