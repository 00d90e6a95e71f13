"""Tokenizers of every kind that models come with, in transformers' own classes.

Each is trained on what a test gives it; what is here by default is a line or two in several
scripts, with its marks composed (NFC) and apart (NFD).
"""

import json
import unicodedata

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import (
    BertTokenizer,
    Qwen2Tokenizer,
    RobertaTokenizer,
    T5Tokenizer,
    XLMRobertaTokenizer,
)

# The six kinds, and one as causal models have: byte-level, composed first, no special tokens.
KINDS = ("unigram", "cased", "uncased", "bytes", "bytes_prefix", "t5", "causal")
LINES = {
    "en": "People in Berlin can read 2020 books (and more). Don't they, in café Noël?",
    "vi": "Người dân ở thành phố Huế đọc sách mỗi ngày, và họ hát rất hay.",
    "el": "Η Αθήνα είναι παλιά πόλη· εκεί ζούσε ο Αριστοτέλης πολύ καιρό.",
    "ru": "Мой край — зелёный лес, чистый ручей и ещё ёлка за домом.",
    "th": "แม่น้ำนี้ไหลผ่านเมืองที่มีผู้คนอยู่ ทุกวันมีตลาดน้ำ",
    "hi": "नदी के पास हिंदी में लिखी किताबें हैं, और बच्चे उन्हें पढ़ते हैं।",
    "ar": "كُتِبَ الكتابُ في المدينةِ القديمة، وقرأه الأولادُ كلَّ يوم.",
    "ko": "강가의 작은 마을에 사는 아이들은 날마다 책을 읽는다.",
    "zh": "河边的小镇有一家书店，孩子们每天去那里看书。",
    "ja": "川のそばに ｶﾞﾗｽ の家があり、パンを売っています。",
}
TEXTS = [unicodedata.normalize(form, line) for line in LINES.values() for form in ("NFC", "NFD")]
BERTS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTAS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def made(texts=TEXTS, vocabulary=420):
    """Return a tokenizer of each kind by its name, each of about `vocabulary` pieces."""
    pieces = _unigram(texts, vocabulary)
    merged, composed = (_bytes(texts, vocabulary, form) for form in (None, normalizers.NFC()))
    t5 = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces[len(ROBERTAS) :]]
    held = (
        XLMRobertaTokenizer(vocab=pieces),
        BertTokenizer(vocab=_wordpiece(texts, vocabulary, False), do_lower_case=False),
        BertTokenizer(vocab=_wordpiece(texts, vocabulary, True)),
        RobertaTokenizer(**merged),
        RobertaTokenizer(**merged, add_prefix_space=True),
        T5Tokenizer(vocab=t5, extra_ids=0),
        Qwen2Tokenizer(**composed, eos_token="</s>", pad_token="<pad>", unk_token=None),
    )
    kinds = dict(zip(KINDS, held, strict=True))
    for kind in ("unigram", "t5"):  # the public ones have about that, from sentencepiece
        kinds[kind].backend_tokenizer.normalizer = normalizers.NFKC()
    return kinds


def _trained(tokenizer, trainer, texts):
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())["model"]


def _unigram(texts, vocabulary):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary, special_tokens=ROBERTAS, unk_token="<unk>", show_progress=False
    )
    return [tuple(piece) for piece in _trained(tokenizer, trainer, texts)["vocab"]]


def _wordpiece(texts, vocabulary, lowercase):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary, special_tokens=BERTS, show_progress=False
    )
    return _trained(tokenizer, trainer, texts)["vocab"]


def _bytes(texts, vocabulary, normalizer):
    tokenizer = Tokenizer(models.BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=ROBERTAS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    model = _trained(tokenizer, trainer, texts)
    return {"vocab": model["vocab"], "merges": [tuple(pair) for pair in model["merges"]]}
