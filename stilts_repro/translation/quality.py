"""How good translations are, by sacrebleu (Post 2018): corpus BLEU and chrF."""

from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics import BLEU, CHRF

from stilts_repro.errors import InputError

# sacrebleu's tokenizers for languages that its default, 13a, cannot split into words.
_TOKENIZERS = {"zh": "zh", "ja": "char", "th": "char", "my": "char"}


@dataclass(frozen=True)
class Quality:
    """Corpus BLEU and chrF2, 0 to 100, each with the signature that sacrebleu gives it."""

    bleu: float
    chrf: float
    bleu_signature: str
    chrf_signature: str


def quality(
    hypotheses: Sequence[str], references: Sequence[str], target: str = "", tokenizer: str = ""
) -> Quality:
    """Score translations into `target` against one reference each, over the whole corpus.

    BLEU splits words by sacrebleu's `tokenizer`, else by the one for `target`: 'zh' for Chinese,
    characters for Japanese, Thai and Burmese, '13a' for all others; the signature names it. Raises
    `InputError` where there is nothing to score, or no reference for a translation.
    """
    if len(hypotheses) != len(references) or not hypotheses:
        raise InputError(
            f"{len(hypotheses)} translations and {len(references)} references: "
            "give one reference for each, and one at least"
        )
    try:
        bleu = BLEU(tokenize=tokenizer or _TOKENIZERS.get(target, "13a"))
    except (AssertionError, KeyError, ValueError, ImportError, RuntimeError):
        raise InputError(f"sacrebleu has no tokenizer {tokenizer!r}; give 13a or char") from None
    chrf = CHRF()
    scores = [
        metric.corpus_score(list(hypotheses), [list(references)]).score for metric in (bleu, chrf)
    ]
    return Quality(*scores, *(str(metric.get_signature()) for metric in (bleu, chrf)))
