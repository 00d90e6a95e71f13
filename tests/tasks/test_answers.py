"""Retrieval of answers: by hand, in the testbed's rows, and where the released rows' breaks are."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from reproduce.catalogue import all_claims
from stilts_repro.data.features import SEGMENT, collate
from stilts_repro.data.source import DirectorySource
from stilts_repro.errors import InputError
from stilts_repro.evaluation.predict import predict, score_by_language
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.machine import Machine
from stilts_repro.metrics.ranking import average_precision, nearest_rows
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.answers import QUESTION, AnswerRetrieval
from stilts_repro.tasks.format import Limits
from stilts_repro.testbed import TestbedSource
from stilts_repro.training.loop import TrainingTask, train
from stilts_repro.training.optimiser import Recipe
from tests.rows import one_line
from tests.run.test_run_options import run_request
from tests.run.test_surviving import run
from tests.tokenizing import made

PAIRS, POOL = AnswerRetrieval(), AnswerRetrieval(pool=True)
CONTEXT = "Ana lives in Cluj. Dr. Bo came at 5. who saw him? Ion."
LIMITS = Limits(64, 32)


def row(identity="q", answer="Bo", context=CONTEXT, **more):
    answers = {"text": [answer], "answer_start": [context.index(answer)]}
    return {"id": identity, "context": context, "question": "who?", "answers": answers} | more


def test_precision_by_hand():
    assert average_precision([1], 1) == 1.0
    assert average_precision([2], 1) == 0.5
    assert average_precision([1, 3], 2) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([1], 2) == 0.5  # the other was not found
    assert average_precision([1, 2, 21], 30) == pytest.approx(2 / 20)  # of twenty at most
    assert average_precision([], 3) == 0.0
    with pytest.raises(ValueError, match="a question without an answer"):
        average_precision([], 0)


def test_the_nearest_rows_are_in_order():
    database = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    found = nearest_rows(torch.tensor([[5.0, 1.0], [0.1, 1.0]]), database, 2)
    assert found.tolist() == [[0, 2], [1, 2]]


def test_a_rule_cuts_sentences_and_not_after_a_title():
    asked = PAIRS.parse(row(), "x")
    told = [CONTEXT[low:high] for low, high in asked.sentences]
    assert told == ["Ana lives in Cluj.", "Dr. Bo came at 5.", "who saw him?", "Ion."]
    assert asked.answer == 1 and PAIRS.parse(row(answer="Ana"), "x").answer == 0


@pytest.mark.parametrize(
    ("context", "told"),
    [
        ("他来了。谁看见他？伊恩。", ["他来了。", "谁看见他？", "伊恩。"]),
        ("他说：“来。”她走了。 完。", ["他说：“来。”", "她走了。", "完。"]),
        ("Ion came. ", ["Ion came. "]),
    ],
)
def test_the_rule_knows_chinese_and_leaves_no_empty_sentence(context, told):
    asked = PAIRS.parse(row(answer=context[0], context=context), "x")
    assert [context[low:high] for low, high in asked.sentences] == told


def test_rows_of_one_paragraph_that_are_cut_otherwise_are_one_line():
    cuts = ([[0, 37], [38, 54]], [[0, 18], [19, 54]])
    examples = [POOL.parse(row(str(n), sentence_breaks=b), "x") for n, b in enumerate(cuts)]
    assert POOL.named_apart(examples[:1], "x", whole=True) == (examples[0],)
    with pytest.raises(InputError) as error:
        POOL.named_apart(examples, "rows", whole=True)
    one_line(error, "rows (id 1): its sentence_breaks are not those of another row")


@pytest.fixture(scope="module")
def kinds():
    return made()


@pytest.mark.parametrize("kind", ["unigram", "cased"])
def test_sequences_are_those_of_the_tokenizer_itself(kinds, kind):
    """A question is one text, a sentence with its paragraph two, with their segment ids if any."""
    tokenizer = kinds[kind]
    examples = [POOL.parse(row(), "x")]
    features = POOL.featurise(examples, tokenizer, Limits(200, 32))
    low, high = examples[0].sentences[0]
    wanted = [tokenizer("who?"), tokenizer(CONTEXT[low:high], CONTEXT)]
    for number, expected in enumerate(wanted):
        span = slice(features.offsets[number], features.offsets[number + 1])
        assert features.ids[span].tolist() == expected["input_ids"]
        if SEGMENT in features.token:
            assert features.token[SEGMENT][span].tolist() == expected["token_type_ids"]
    assert (SEGMENT in features.token) == (kind == "cased")


def test_a_rows_own_breaks_are_kept():
    asked = POOL.parse(row(sentence_breaks=[[0, 37], [38, 54]]), "x")
    assert asked.sentences == ((0, 37), (38, 54)) and asked.answer == 0


@pytest.mark.parametrize("breaks", [[], [[3, 2]], [[0, 9], [0, 5]], [[0, 900]], [[0, "9"]], [[1]]])
def test_breaks_that_are_none_are_one_line(breaks):
    with pytest.raises(InputError) as error:
        POOL.parse(row(sentence_breaks=breaks), "rows 3")
    one_line(error, "rows 3 (id q): sentence_breaks", "give XQuAD-R's own")


def test_a_paragraphs_sentences_are_candidates_once(tokenizer):
    examples = [POOL.parse(row(i, a), "x") for i, a in (("1", "Bo"), ("2", "Ion"), ("3", "Ana"))]
    features = POOL.featurise(examples, tokenizer, LIMITS)
    assert features.unit["example"].tolist() == [0, 0, 0, 0, 0, 1, 2]
    assert features.unit["sentence"].tolist() == [QUESTION, 0, 1, 2, 3, QUESTION, QUESTION]
    pairs = PAIRS.featurise(examples, tokenizer, LIMITS)
    assert (pairs.group, len(pairs), len(pairs.offsets) - 1) == (2, 3, 6)
    # A pair's second sequence is what the pool has of that sentence.
    second = pairs.ids[pairs.offsets[1] : pairs.offsets[2]]
    assert second.tolist() == features.ids[features.offsets[2] : features.offsets[3]].tolist()


def test_an_answer_in_any_language_is_right_and_counts_once(tokenizer):
    """Two languages, two questions each; vectors are set so that the ranks are known."""
    other = CONTEXT.replace("Ana", "Eva").replace("Bo", "Jo")
    english = [POOL.parse(row("1", "Bo"), "x"), POOL.parse(row("2", "Ion"), "x")]
    german = [POOL.parse(row("1", "Jo", other), "x"), POOL.parse(row("2", "Ion", other), "x")]
    rows = {"en": english, "de": german}
    features = POOL.featurise([*english, *german], tokenizer, LIMITS)
    # Units: question, four sentences, question; in each language.
    vectors = np.zeros((12, 8), np.float32)
    for unit, place in {1: 0, 2: 1, 3: 2, 4: 3, 7: 4, 8: 5, 9: 6, 10: 7}.items():
        vectors[unit, place] = 1.0
    vectors[0, [1, 5]] = 3.0, 2.0  # finds both sentences with Bo and Jo: ranks 1 and 2
    vectors[5, [3, 0, 7]] = 3.0, 2.0, 1.0  # ranks 1 and 3
    vectors[6, [0, 1, 5]] = 3.0, 2.0, 1.0  # ranks 2 and 3
    vectors[11] = np.nan  # finds nothing
    scored = score_by_language(POOL, rows, features, vectors)
    assert [p[:3] for p in scored["en"].predictions] == [[2, 1, 2], [2, 1, 3]]
    assert [p[0] for p in scored["de"].predictions] == [2, 2]
    assert scored["en"].metrics["map"] == pytest.approx(100 * (1 + (1 + 2 / 3) / 2) / 2)
    assert scored["en"].metrics["first"] == 100.0
    assert scored["de"].metrics["map"] == pytest.approx(100 * ((1 / 2 + 2 / 3) / 2) / 2)


def test_a_tower_learns_to_find_what_answers(tokenizer, masked_lm):
    source = TestbedSource()
    held = [PAIRS.parse(r, "x") for r in source.load("rajpurkar/squad", "plain_text", "train", 200)]
    model = MultiTaskModel.fresh(load_backbone(str(masked_lm), 0), {"pairs": PAIRS}, 0)
    features = PAIRS.featurise(held, tokenizer, Limits(96, 32))
    pad = int(tokenizer.pad_token_id)

    def score():
        logits = predict(model, "pairs", features, pad, Machine())
        return PAIRS.dev_metrics(held, features, logits)["map"]

    before = score()
    recipe = Recipe(learning_rate=2e-3, batch_size=16, epochs=8)
    log = train(model, {"pairs": TrainingTask(features, recipe)}, pad, 0, "x", Machine())
    assert log.last_loss() < log.losses[0] and score() > before + 10


def test_a_part_of_a_batch_has_the_loss_of_its_own_pairs(tokenizer, masked_lm):
    held = [PAIRS.parse(row(str(i), a), "x") for i, a in enumerate(("Bo", "Ion", "Ana"))]
    model = MultiTaskModel.fresh(load_backbone(str(masked_lm), 0), {"pairs": PAIRS}, 0).eval()
    batch = collate(PAIRS.featurise(held, tokenizer, LIMITS), np.arange(3), tokenizer.pad_token_id)
    logits = model("pairs", batch)
    assert torch.allclose(logits.view(3, 2, -1).norm(dim=-1), torch.ones(3, 2))
    whole, part = (
        model.head("pairs").loss(logits, batch),
        model.head("pairs").loss(logits, batch, 6),
    )
    assert part.item() == pytest.approx(whole.item() / 2)


def test_the_testbeds_rows_are_parallel():
    inventory = Inventory(TestbedSource(), 40)
    held = inventory.evaluation("lareqa", "dev")
    assert len(held) == 8
    names = [[e.identity for e in found.examples] for found in held.values()]
    assert all(found == names[0] for found in names)
    for found in held.values():
        assert all(len(e.sentences) > 1 for e in found.examples)


def test_real_answers_lie_within_a_sentence_of_the_rule(real_data):
    """XQuAD's own rows: the rule is for SQuAD's English, and holds for most scripts."""
    source = DirectorySource(real_data / "hub-mirror")
    for code, least in (("en", 0.95), ("de", 0.93), ("hi", 0.93), ("zh", 0.9)):
        rows = source.load("google/xtreme", f"XQuAD.{code}", "validation", 300)
        held = [(POOL.parse(r, "x"), r["answers"]) for r in rows]
        inside = [
            answers["answer_start"][0] + len(answers["text"][0]) <= asked.sentences[asked.answer][1]
            for asked, answers in held
        ]
        assert np.mean(inside) > least, code


def test_it_is_measured_as_any_target_is(tiny_model, tmp_path):
    claim = replace(all_claims()["mnli_gain"], targets=("lareqa",))
    told, result = run(replace(run_request(tiny_model, tmp_path / "out"), claims=(claim,)))
    assert not told.failures
    scored = {e["intermediate"]: e for e in result["grid"] if e["part"] == "dev"}
    assert scored.keys() == {"none", "mnli"}
    entry = scored["none"]
    assert entry["metric"] == "map" and len(entry["languages"]) == 8
    assert result["gates"]["lareqa"]["measurable"] in (True, False)
