"""The table of training sets: where their English rows lie, and how each is trained on.

Adding one is adding an entry here; a new kind of task is a format, a module, besides.
"""

from stilts_repro.tasks.answers import AnswerRetrieval
from stilts_repro.tasks.classification import Classification
from stilts_repro.tasks.entities import EntityRetrieval
from stilts_repro.tasks.multiple_choice import CommonsenseQA, Copa, CosmosQA, HellaSwag, SocialIQA
from stilts_repro.tasks.recipe import dual, jiant, linked, modest, recalled, small, taught, xtreme_r
from stilts_repro.tasks.span import Span
from stilts_repro.tasks.tagging import Tagging
from stilts_repro.tasks.task import MEWSLI_X, XTREME, Part, Rows, TrainingSet

NLI_LABELS = ("entailment", "neutral", "contradiction")
# ANLI's own files, XNLI's translations of MNLI.
NLI_SPELLINGS = (("e", "n", "c"), ("entailment", "neutral", "contradictory"))
TRUTH = ("false", "true")
NER_LABELS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
UPOS_LABELS = (
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"),
    *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
)

NER = Tagging("tokens", "ner_tags", NER_LABELS)
POS = Tagging("tokens", "pos_tags", UPOS_LABELS)
PAWS = Classification("sentence1", "sentence2", "label", ("0", "1"), spellings=(TRUTH,))

_NLI = Classification("premise", "hypothesis", "label", NLI_LABELS, spellings=NLI_SPELLINGS)
_MNLI = Rows("nyu-mll/glue", "mnli", dev=Part("validation_matched"), size=392_702)
_SNLI = Rows("stanfordnlp/snli", "plain_text", size=549_367)


def _anli(number: int, size: int) -> Rows:
    train, dev = Part(f"train_r{number}"), Part(f"dev_r{number}")
    return Rows("facebook/anli", "plain_text", train, dev, size)


# Recipes of the testbed: each task until it is learned, or for a minute. There and at `laptop`
# TyDiQA and PAWS-X bring much less English data than SQuAD and MNLI do, as in the paper.
_TRAINING_SETS = (
    TrainingSet(
        "anli",
        "ANLI+",
        _NLI,
        (_anli(1, 16_946), _anli(2, 45_460), _anli(3, 100_459), _MNLI, _SNLI),
        intermediate={
            "paper": recalled(24, 2),
            "laptop": modest(4_000, 2),
            "testbed": taught(5_000),
        },
        drop_unlabelled=True,
    ),
    TrainingSet(
        "mnli",
        "MNLI",
        _NLI,
        (_MNLI,),
        intermediate={
            "paper": recalled(24, 2),
            "laptop": modest(4_000, 2),
            "testbed": taught(20_000),
        },
        target={
            "paper": jiant(32, 2),
            "laptop": modest(4_000, 2),
            "testbed": small(20_000, learning_rate=5e-4),
        },
    ),
    TrainingSet(
        "qqp",
        "QQP",
        Classification(
            *("question1", "question2", "label", ("0", "1")),
            positive="1",
            spellings=(TRUTH, ("not_duplicate", "duplicate")),
        ),
        (Rows("nyu-mll/glue", "qqp"),),
        intermediate={
            "paper": recalled(24, 3),
            "laptop": modest(4_000, 2),
            "testbed": taught(8_000),
        },
    ),
    TrainingSet(
        "squad_v1",
        "SQuAD v1.1",
        Span(),
        (Rows("rajpurkar/squad", "plain_text"),),
        intermediate={
            "paper": recalled(8, 3, 384),
            "laptop": modest(4_000, 2, 384, learning_rate=2e-4),
            "testbed": taught(4_000),
        },
        target={
            "paper": jiant(16, 2, 384),
            "laptop": modest(2_000, 2, 384, learning_rate=2e-4),
            "testbed": small(2_000),
        },
    ),
    TrainingSet(
        "squad_v2",
        "SQuAD v2.0",
        Span(unanswerable=True),
        (Rows("rajpurkar/squad_v2", "squad_v2"),),
        intermediate={
            "paper": recalled(8, 3, 384),
            "laptop": modest(4_000, 2, 384, learning_rate=2e-4),
            "testbed": taught(4_000),
        },
    ),
    TrainingSet(
        "hellaswag",
        "HellaSwag",
        HellaSwag(),
        (Rows("Rowan/hellaswag", "default"),),
        intermediate={
            "paper": recalled(24, 7),
            "laptop": modest(1_500, 3),
            "testbed": taught(3_000),
        },
    ),
    TrainingSet(
        "ccg",
        "CCG",
        Tagging("tokens", "supertags", None, metric="accuracy"),
        (Rows("ldc/ccgbank", "default"),),
        intermediate={
            "paper": recalled(24, 15),
            "laptop": modest(4_000, 4, learning_rate=2e-4),
            "testbed": taught(2_000),
        },
        substitutes=(Rows("substitutes/ccg-supertag", "questions", dev=Part("test")),),
    ),
    TrainingSet(
        "cosmosqa",
        "Cosmos QA",
        CosmosQA(),
        (Rows("allenai/cosmos_qa", "default"),),
        intermediate={
            "paper": recalled(4, 15),
            "laptop": modest(1_500, 2, 256),
            "testbed": taught(2_000),
        },
    ),
    TrainingSet(
        "csqa",
        "CommonsenseQA",
        CommonsenseQA(),
        (Rows("tau/commonsense_qa", "default"),),
        intermediate={
            "paper": recalled(4, 10),
            "laptop": modest(4_000, 2),
            "testbed": taught(4_000),
        },
    ),
    # XTREME-R's own: what comes before COPA, and COPA, whose rows are few.
    TrainingSet(
        "siqa",
        "SIQA",
        SocialIQA(),
        (Rows("allenai/social_i_qa", "default"),),
        intermediate={"paper": xtreme_r(5), "laptop": modest(4_000, 2)},
    ),
    TrainingSet(
        "copa",
        "COPA",
        Copa(),
        (Rows("aps/super_glue", "copa"),),
        target={"paper": xtreme_r(5), "laptop": modest(400, 5)},
    ),
    # XTREME-R's too: SQuAD's questions, each with the sentence that answers it.
    TrainingSet(
        "squad_v1_pairs",
        "SQuAD v1.1, question and sentence",
        AnswerRetrieval(),
        (Rows("rajpurkar/squad", "plain_text"),),
        target={
            "paper": dual(),
            "laptop": modest(4_000, 2, 256),
            "testbed": small(2_000, learning_rate=5e-4),
        },
    ),
    # XTREME-R's too, from files of its own (docs/data.md): a mention and its entity's description.
    TrainingSet(
        "mewsli_x_pairs",
        "Mewsli-X, mention and entity",
        EntityRetrieval(),
        (Rows(MEWSLI_X, "wikipedia_pairs"),),
        target={"paper": linked(), "laptop": modest(4_000, 2, 64)},
    ),
    TrainingSet(
        "pawsx_en",
        "PAWS-X en",
        PAWS,
        (Rows(XTREME, "PAWS-X.en"),),
        target={"paper": jiant(32, 5), "laptop": modest(4_000, 5), "testbed": small(1_000)},
    ),
    TrainingSet(
        "panx_en",
        "NER en",
        NER,
        (Rows(XTREME, "PAN-X.en"),),
        target={
            "paper": jiant(32, 10),
            "laptop": modest(4_000, 3, learning_rate=2e-4),
            "testbed": small(400, 3),
        },
    ),
    TrainingSet(
        "udpos_en",
        "POS en",
        POS,
        (Rows(XTREME, "udpos.English"),),
        target={
            "paper": jiant(32, 10),
            "laptop": modest(4_000, 2, learning_rate=2e-4),
            "testbed": small(400, 4),
        },
    ),
    TrainingSet(
        "tydiqa_en",
        "TyDiQA en",
        Span(),
        (Rows(XTREME, "tydiqa"),),
        target={
            "paper": jiant(16, 2, 384),
            "laptop": modest(1_000, 2, 384, learning_rate=2e-4),
            "testbed": small(400, 3),
        },
        # The file holds nine languages; jiant trains on all of them by mistake, XTREME on English.
        english_by_id=True,
    ),
)
TRAINING_SETS = {row.name: row for row in _TRAINING_SETS}


def intermediate_tasks() -> tuple[str, ...]:
    """Return the tasks of phase (ii), by the set they train on: the paper's nine, or more."""
    return tuple(name for name, data in TRAINING_SETS.items() if data.intermediate)
