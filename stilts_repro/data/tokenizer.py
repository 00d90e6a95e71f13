"""A tokenizer like XLM-R's, trained on the corpus at hand."""

import json
from collections import Counter
from collections.abc import Iterable

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")  # pad is 1, as in XLM-R


def train_tokenizer(
    texts: Iterable[str], vocabulary: int, max_length: int
) -> PreTrainedTokenizerBase:
    """Train a unigram tokenizer of at most `vocabulary` pieces on `texts`.

    NFKC, split at blanks, blanks as `▁` before a word: character offsets stay those of the text.
    Three quarters of the pieces at most are single characters: rarer ones become `<unk>`.
    """
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIALS),
        unk_token="<unk>",
        max_piece_length=16,
        show_progress=False,
    )
    known = _without_rare_characters(texts, tokenizer.normalizer, vocabulary * 3 // 4)
    tokenizer.train_from_iterator(known, trainer)
    tokenizer.model = _ordered(tokenizer)
    start, end = (tokenizer.token_to_id(token) for token in ("<s>", "</s>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", start), ("</s>", end)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=max_length,
    )


def _without_rare_characters(
    texts: Iterable[str], normalizer: normalizers.Normalizer, most: int
) -> list[str]:
    """Return `texts` with blanks for all but the `most` most frequent characters.

    The trainer makes a piece of every character, and gives up where there are more than pieces.
    """
    held = list(texts)
    counts: Counter[str] = Counter()
    for text in held:
        counts.update(normalizer.normalize_str(text))
    rare = sorted(counts, key=lambda character: (-counts[character], character))[most:]
    if not rare:
        return held
    blanks = str.maketrans(dict.fromkeys(rare, " "))
    return [normalizer.normalize_str(text).translate(blanks) for text in held]


def _ordered(tokenizer: Tokenizer) -> models.Unigram:
    """Return the trained model with ids and scores that do not depend on the run.

    The trainer adds up scores in threads, which leaves them equal to some 13 digits: nine are kept.
    It walks a hash map twice: it numbers pieces of equal score in the map's order, and
    gives single characters that no piece covers the lowest score plus 0.0001 a character, in the
    map's order too. Here these characters share the lowest score, and equals go by their spelling.
    """
    held = json.loads(tokenizer.to_str())["model"]["vocab"]
    pieces = [(piece, round(score, 9)) for piece, score in held]
    fixed, learned = pieces[: len(SPECIALS)], pieces[len(SPECIALS) :]
    lowest = min(score for _, score in learned)
    reach = lowest + 0.0001 * sum(len(piece) == 1 for piece, _ in learned)
    learned = [
        (piece, lowest if len(piece) == 1 and score <= reach else score) for piece, score in learned
    ]
    learned.sort(key=lambda piece: (-piece[1], piece[0]))
    return models.Unigram([*fixed, *learned], unk_id=SPECIALS.index("<unk>"))
