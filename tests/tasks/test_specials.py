"""The special tokens around texts are the tokenizer's own, whatever its kind."""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from stilts_repro.data.features import TOKEN_PADDING
from stilts_repro.errors import InputError
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.span import Question, Span
from stilts_repro.tasks.tagging import Tagged, Tagging
from stilts_repro.tasks.tokens import Specials, specials_of

TEXTS = "abcdefgh"


def made(template=None, **special):
    """A tokenizer of one-letter words; `template` is (one text, two texts)."""
    names = ["<pad>", "<unk>", *dict.fromkeys(special.values())]
    vocabulary = {token: place for place, token in enumerate([*names, *TEXTS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if template:
        tokens = [(name, vocabulary[name]) for name in dict.fromkeys(special.values())]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=template[0], pair=template[1], special_tokens=tokens
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", **special
    )


KINDS = {
    "xlm-r": (
        made(("<s> $A </s>", "<s> $A </s> </s> $B </s>"), cls_token="<s>", sep_token="</s>"),
        Specials((2,), (3, 3), (3,)),
    ),
    "bert": (
        made(("<s> $A </s>", "<s> $A </s> $B </s>"), cls_token="<s>", sep_token="</s>"),
        Specials((2,), (3,), (3,)),
    ),
    "t5": (made(("$A </s>", "$A </s> $B </s>"), eos_token="</s>"), Specials((), (2,), (2,))),
    "qwen": (made(eos_token="</s>"), Specials((), (2,), ())),
}


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_read_off_the_tokenizer(kind):
    tokenizer, expected = KINDS[kind]
    assert specials_of(tokenizer) == expected


def test_the_testbeds_tokenizer_is_like_xlm_rs(tokenizer):
    start, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    assert specials_of(tokenizer) == Specials((start,), (end, end), (end,))


def test_without_any_end_token_two_texts_cannot_be_told_apart():
    with pytest.raises(InputError, match="no token to put between two texts"):
        specials_of(made())


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_keeps_its_answer_in_sight(kind):
    tokenizer, specials = KINDS[kind]
    question = Question("q", "a b", "c d e f g h", (("g", 8),))
    length = 6 + sum(map(len, (specials.start, specials.middle, specials.end)))
    features = Span().featurise([question], tokenizer, Limits(length, 4, 2))
    letter = {tokenizer.convert_tokens_to_ids(text): text for text in TEXTS}
    assert len(features) > 1
    assert features.unit_lengths().max() <= length
    found = 0
    for low, high, start, end in zip(
        features.offsets,
        features.offsets[1:],
        features.unit["start"],
        features.unit["end"],
        strict=False,
    ):
        ids = list(features.ids[low:high])
        room = len(ids) - 2 - len(specials.start) - len(specials.middle) - len(specials.end)
        context = ids[len(ids) - len(specials.end) - room : len(ids) - len(specials.end)]
        assert ids == specials.pair(ids[len(specials.start) :][:2], context)
        if start:
            assert letter[ids[start]] == letter[ids[end]] == "g"
            found += 1
    assert found


@pytest.mark.parametrize("kind", KINDS)
def test_tags_stand_at_their_words(kind):
    tokenizer, specials = KINDS[kind]
    kind_of = Tagging("words", "tags", ("X", "Y"))
    features = kind_of.featurise([Tagged(("a", "b"), ("X", "Y"))], tokenizer, Limits(8))
    inside = [TOKEN_PADDING] * len(specials.start), [TOKEN_PADDING] * len(specials.end)
    assert features.token["label"].tolist() == [*inside[0], 0, 1, *inside[1]]
