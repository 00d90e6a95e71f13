import unicodedata

import pytest
from tokenizers import normalizers

from stilts_repro.data.tokenizer import SPECIALS, _without_rare_characters, train_tokenizer
from stilts_repro.testbed import TestbedSource

CHINESE = ["北京是中国的首都。", "上海在东海之滨。", "ﬁne Ａ ½ ① Å"]


@pytest.fixture(scope="module")
def mixed():
    return train_tokenizer([*CHINESE, "the cat sat on the mat", "the dog"] * 5, 120, 32)


def test_special_tokens_have_xlmrs_places(tokenizer):
    assert tokenizer.convert_ids_to_tokens(list(range(5))) == list(SPECIALS)
    assert (tokenizer.bos_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id) == (0, 1, 2)
    assert (tokenizer.unk_token, tokenizer.mask_token) == ("<unk>", "<mask>")
    assert (tokenizer.cls_token_id, tokenizer.sep_token_id) == (0, 2)
    assert set(tokenizer.all_special_ids) == set(range(5))
    assert tokenizer.model_max_length == 128


def test_pairs_have_two_separators(mixed):
    one = mixed("the cat")["input_ids"]
    two = mixed("the cat", "the dog")["input_ids"]
    inner = [mixed(text, add_special_tokens=False)["input_ids"] for text in ("the cat", "the dog")]
    assert one == [0, *inner[0], 2]
    assert two == [0, *inner[0], 2, 2, *inner[1], 2]


@pytest.mark.parametrize("text", [*CHINESE, " 上海 在东海", "the  cat\tﬁne ½ ①Å"])
def test_offsets_point_into_the_text_as_it_was(mixed, text):
    """Each piece is a part of the NFKC form of the characters that its offsets cover."""
    encoded = mixed(text, add_special_tokens=False, return_offsets_mapping=True)
    tokens = mixed.convert_ids_to_tokens(encoded["input_ids"])
    offsets = encoded["offset_mapping"]
    assert "<unk>" not in tokens
    for token, (low, high) in zip(tokens, offsets, strict=True):
        assert 0 <= low < high <= len(text)
        assert token.removeprefix("▁") in unicodedata.normalize("NFKC", text[low:high])
        assert not text[low].isspace()
        assert not text[high - 1].isspace()
    covered = {place for low, high in offsets for place in range(low, high)}
    assert covered == {place for place, character in enumerate(text) if not character.isspace()}


def test_offsets_of_testbed_texts_cover_every_letter(tokenizer):
    source = TestbedSource()
    for code in source.languages:
        for row in source.load("google/xtreme", f"XQuAD.{code}", "validation", 5):
            text = row["context"]
            offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)[
                "offset_mapping"
            ]
            covered = {place for low, high in offsets for place in range(low, high)}
            assert covered == {i for i, letter in enumerate(text) if not letter.isspace()}


def test_text_decodes_to_itself(mixed):
    for text in ("the cat sat", "北京是中国的首都。"):
        ids = mixed(text)["input_ids"]
        assert mixed.decode(ids, skip_special_tokens=True) == text


def test_a_saved_tokenizer_is_the_same(mixed, tmp_path):
    from transformers import AutoTokenizer

    mixed.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    for text in CHINESE:
        assert again(text, "the dog")["input_ids"] == mixed(text, "the dog")["input_ids"]
    assert again.pad_token_id == 1


def test_the_same_texts_give_the_same_ids():
    """A pre-training that goes on after a stop trains its tokenizer anew: ids must not move."""
    source = TestbedSource()
    texts = [text for _, text in zip(range(100), source.documents("qag"), strict=False)]
    first, second = (train_tokenizer(texts, 600, 128).get_vocab() for _ in range(2))
    assert set(first) == set(second)
    assert first == second


def test_more_characters_than_pieces_leave_the_rarest_unknown():
    """Chinese, Japanese and Korean have more characters than a small model has pieces."""
    often = [chr(0x4E00 + place) for place in range(90)]
    rare = [chr(0x6000 + place) for place in range(500)]
    texts = ["".join(often[place % 7 :]) for place in range(40)] + rare
    trained = train_tokenizer(texts, 120, 32)
    assert len(trained) <= 120
    ids = trained("".join(often), add_special_tokens=False)["input_ids"]
    assert trained.unk_token_id not in ids
    unknown = trained(rare, add_special_tokens=False)["input_ids"]
    assert sum(trained.unk_token_id in ids for ids in unknown) > 450


def test_texts_of_few_characters_are_trained_on_as_they_are():
    texts = [*CHINESE, "the cat sat on the mat"] * 5
    assert _without_rare_characters(texts, normalizers.NFKC(), 100) == texts
