import pytest

from stilts_repro.errors import InputError
from stilts_repro.translation.quality import quality

SAID = ["the baker washed the old saw.", "why did she wash it at noon?"]


def test_scores_and_signatures():
    same = quality(SAID, SAID)
    assert same.bleu == pytest.approx(100) and same.chrf == pytest.approx(100)
    assert "tok:13a" in same.bleu_signature and "version:" in same.bleu_signature
    assert "nc:6" in same.chrf_signature
    other = quality(["the baker washed an old saw.", SAID[1]], SAID)
    assert 0 < other.bleu < 100 and other.bleu < other.chrf < 100


def test_the_tokenizer_is_the_languages_or_the_one_asked_for():
    assert "tok:zh" in quality(["我们走。"], ["我们走。"], "zh").bleu_signature
    assert "tok:char" in quality(["あ"], ["あ"], "ja").bleu_signature
    assert "tok:char" in quality(SAID, SAID, "de", "char").bleu_signature


def test_what_cannot_be_scored():
    for hypotheses, references in (([], []), (SAID, SAID[:1])):
        with pytest.raises(InputError, match="one reference for each"):
            quality(hypotheses, references)
    with pytest.raises(InputError, match="no tokenizer 'klingon'"):
        quality(SAID, SAID, "de", "klingon")
