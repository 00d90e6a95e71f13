"""Phase (i) of the package's own models: which documents they read, and by what recipes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice

from stilts_repro.experiments.scales import UNRELATED, WIDTHS
from stilts_repro.experiments.sources import TESTBEDS
from stilts_repro.seeds import numpy_rng
from stilts_repro.training.shapes import PretrainRecipe, Size

# The testbed's models: eight languages, about 300 stems each with their inflections.
TESTBED_SIZES = {
    str(width): Size(layers, width, heads=4, intermediate=4 * width, vocabulary=3_000)
    for width, layers in WIDTHS.items()
}
TESTBED_RECIPE = PretrainRecipe(
    size=TESTBED_SIZES["96"],
    steps=22_000,
    block_steps=4_000,
    learning_rate=2e-3,
    # Twice BERT's: in 4,000 steps it aligns languages as far as 0.15 does in 9,000. BERT's at the
    # end: whether two sentences agree cannot be told where half of what they say is masked.
    mask_rate=0.3,
    last_mask_rate=0.15,
)
# The studies' models, of any size and class: each less than an hour on two cores.
LADDER_RECIPE = replace(TESTBED_RECIPE, steps=8_000, block_steps=1_500)
# Wide ones want smaller steps: at 2e-3 the encoder of width 192 is on its plateau (loss 5.3) after
# 2,100 steps, that of width 96 off it (3.6).
LADDER_RATES = {"192": 1e-3}
# Of a public encoder: what it knows is to stay, and its head is new.
# Batches are larger: each step moves the embeddings of all the corpus's tokens.
START_RECIPE = PretrainRecipe(size=None, minutes=60.0, learning_rate=3e-4, batch_tokens=4096)
TESTBED_DOCUMENTS = {"monolingual": 24_000, "mixed": 96_000, "bilingual": 32_000}
UNRELATED_DOCUMENTS = {"monolingual": 40_000, "mixed": 0, "bilingual": 0}

Documents = Mapping[str, Sequence[str]]  # by language, or by kind of document


def ladder_recipe(width: str) -> PretrainRecipe:
    """Return the recipe of a study's model of a width, one of `TESTBED_SIZES`."""
    rate = LADDER_RATES.get(width, LADDER_RECIPE.learning_rate)
    return replace(LADDER_RECIPE, size=TESTBED_SIZES[width], learning_rate=rate)


def testbed_corpus(data: str = "testbed") -> Documents:
    """Return a testbed's documents: each language's own, code-mixed ones, bilingual ones.

    The shares are what web crawls bring by accident: most documents are in one language. Of
    unrelated languages there are only their own.
    """
    source = TESTBEDS[data]()
    sizes = UNRELATED_DOCUMENTS if data == UNRELATED.data else TESTBED_DOCUMENTS
    streams: dict[str, Iterator[str]] = {
        code: islice(source.documents(code), sizes["monolingual"]) for code in source.languages
    }
    streams["mixed"] = islice(source.mixed_documents(), sizes["mixed"])
    streams["bilingual"] = islice(source.bilingual_documents(), sizes["bilingual"])
    documents = {name: list(stream) for name, stream in streams.items()}
    return {name: texts for name, texts in documents.items() if texts}


def balanced(
    documents: Documents, seed: int, smoothing: float, most: int | None = None
) -> dict[str, list[str]]:
    """Draw documents so that languages' shares follow size ** `smoothing` (XLM-R).

    The largest language comes once; where that makes more than `most` documents, all get fewer.
    """
    largest = max(len(texts) for texts in documents.values())
    counts = {
        name: largest * (len(texts) / largest) ** smoothing
        for name, texts in sorted(documents.items())
        if texts
    }
    scale = 1.0 if most is None else min(1.0, most / sum(counts.values()))
    chosen: dict[str, list[str]] = {}
    for name, share in counts.items():
        texts, count = documents[name], int(share * scale)
        rng = numpy_rng(seed, "pretrain", "balance", name)
        times, rest = divmod(count, len(texts))
        extra = (texts[place] for place in rng.permutation(len(texts))[:rest])
        chosen[name] = [*chain.from_iterable([texts] * times), *extra]
    return chosen
