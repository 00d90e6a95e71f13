"""Exported files, read by other code, give the scores of the run that they come from."""

import json
from dataclasses import replace
from statistics import fmean
from types import SimpleNamespace

import pytest

from stilts_repro.data.source import CachedSource, DirectorySource
from stilts_repro.errors import InputError
from stilts_repro.experiments import material, work
from stilts_repro.experiments.conditions import NONE, Cell, World
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.scales import SCALES
from stilts_repro.experiments.store import Store
from stilts_repro.machine import Machine
from stilts_repro.metrics.labels import accuracy, span_f1
from stilts_repro.metrics.retrieval import mining_f1
from stilts_repro.metrics.squad import mlqa_scores, squad_scores
from stilts_repro.paper import TARGETS
from stilts_repro.report.xtreme import Entry, check_export, choose_entries, export_xtreme
from stilts_repro.tasks.loading import load_evaluation
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import Part
from stilts_repro.testbed import TestbedSource
from stilts_repro.training.optimiser import Recipe
from tests.planning import ground_of, plan_of_cells
from tests.xtreme_files import read_lines, read_sentences, scores_of

ROWS = 8
RECIPE = Recipe(learning_rate=1e-3, batch_size=8, epochs=3, rows=48, max_length=96, stride=48)
CHINESE = {
    "id": "zh-1",
    "question": "上海在\t哪里？",
    "context": "北京是中国的首都。\n上海在东海之滨，\t人口很多。",
    "answers": {"text": ["东海之滨"], "answer_start": [13]},
}


class Awkward(TestbedSource):
    """The testbed with rows that are hard on a file format."""

    __test__ = False
    languages = ("en", "qaa", "qad", "zh")

    def has(self, repo, config, split):
        chinese = config == "MLQA.zh.zh" and split in ("validation", "test")
        return chinese or super().has(repo, config, split)

    def load(self, repo, config, split, limit=None):
        if config == "MLQA.zh.zh":
            return [CHINESE]
        rows = super().load(repo, config, split, limit)
        if split == "train":
            return rows
        if config.startswith(("udpos.", "PAN-X.")):
            rows[0] = {
                column: [item for row in rows[:ROWS] for item in row[column] * 3]
                for column in rows[0]
            }
            rows[1] = rows[1] | {"tokens": ["New\tYork City\n", *rows[1]["tokens"][1:]]}
        if config.startswith("bucc18") and "unpaired" not in split:
            code = config.rpartition(".")[2]
            rows[1] = rows[0] | {"source_lang": f"{code}-twice", "target_lang": "en-twice"}
            rows[2] = rows[2] | {"source_sentence": rows[0]["source_sentence"]}
        if config.startswith("bucc18") and "unpaired" in split:
            gold = super().load(repo, config, split.removesuffix("_unpaired"), 1)[0]
            rows[0] = rows[0] | {"sentence": gold["source_sentence"]}
        return rows


@pytest.fixture(scope="module")
def run(tiny_model, tmp_path_factory):
    """The baseline on every target: its store, its records, its inventory."""
    recipes = {t: RECIPE for name in TARGETS if (t := TARGET_TASKS[name].train_on)}
    scale = replace(SCALES["smoke"], target=recipes)
    inventory = Inventory(CachedSource(Awkward()), ROWS)
    ground = ground_of(inventory, World("", str(tiny_model), "awkward"), retrieval_length=96)
    plan = plan_of_cells(scale, [Cell(NONE, target, 0) for target in TARGETS], ground)
    store = Store(tmp_path_factory.mktemp("run"))
    store.prepare()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(material, "inventory_in", lambda *_: inventory)
        for job in plan.jobs.values():
            work.run_job(job, ground.world, store, Machine())
    records = [json.loads(path.read_text()) for path in store.records.glob("*.json")]
    return store, records, inventory


def result_of(records):
    """What an export reads of claims.json."""
    none = {"baseline": "none", "world": "", "control": False}
    hashes = [record["hash"] for record in records]
    return {"claims": [{"records": hashes}], "conditions": {"none": none}}


@pytest.fixture(scope="module")
def export(run, tmp_path_factory):
    store, records, inventory = run
    output = tmp_path_factory.mktemp("export")
    export_xtreme(output, choose_entries(result_of(records), 0, store), inventory)
    return output


def files(output, side, task):
    return sorted((output / side / task).iterdir())


@pytest.mark.parametrize("task", TARGETS)
def test_files_score_as_the_record_says(run, export, task):
    _, records, _ = run
    (record,) = (r for r in records if (r["task"], r["part"]) == (task, "test"))
    pairs = list(
        zip(files(export, "labels", task), files(export, "predictions", task), strict=True)
    )
    assert [label.name for label, _ in pairs] == [prediction.name for _, prediction in pairs]
    codes = [label.stem.removeprefix("test-") for label, _ in pairs]
    assert codes == sorted(record["languages"])
    for code, (label, prediction) in zip(codes, pairs, strict=True):
        scores = scores_of(task, label, prediction)
        expected = record["languages"][code]["metrics"]
        for metric in expected.keys() & scores.keys():
            assert scores[metric] == pytest.approx(expected[metric], abs=1e-9), (code, metric)
        assert scores.keys() <= expected.keys() | {"n"}
        score = (
            fmean((scores["f1"], scores["exact_match"])) if record["metric"] == "f1_em" else None
        )
        score = scores[record["metric"]] if score is None else score
        assert score == pytest.approx(record["languages"][code]["score"], abs=1e-9)


@pytest.mark.parametrize("task", ["xnli", "pawsx", "tatoeba", "udpos", "panx"])
def test_every_row_has_a_line(run, export, task):
    _, _, inventory = run
    for code, held in inventory.evaluation(task, "test").items():
        label, prediction = (
            export / side / task / f"test-{code}.tsv" for side in ("labels", "predictions")
        )
        if task in ("udpos", "panx"):
            lengths = [len(example.words) for example in held.examples]
            for path in (label, prediction):
                assert [len(sentence) for sentence in read_sentences(path)] == lengths
        else:
            assert len(read_lines(label)) == len(read_lines(prediction)) == len(held)


def test_awkward_rows_were_among_them(export):
    assert max(map(len, read_sentences(export / "labels/udpos/test-qaa.tsv"))) > RECIPE.max_length
    assert CHINESE["id"] in json.loads((export / "predictions/mlqa/test-zh.json").read_text())
    gold = read_lines(export / "labels/bucc2018/test-qaa.tsv")
    assert "qaa-twice\ten-twice" in gold


def test_equal_sentences_are_mined_as_every_pair_of_their_ids(run, export):
    store, records, inventory = run
    (record,) = (r for r in records if (r["task"], r["part"]) == ("bucc2018", "dev"))
    kept = json.loads((store.folder(record["job"]) / "predictions/bucc2018.dev.json").read_text())
    for code, pairs in kept.items():
        rows = inventory.evaluation("bucc2018", "dev")[code].examples
        text = {p.target_id: p.target for p in rows}
        for source, target in pairs:
            twins = [other for other in text if text[other] == text.get(target)]
            assert all([source, twin] in pairs for twin in twins)


def half_right(task, examples):
    """Predictions on `examples` of which some are wrong, whatever a model may do."""
    kind = TARGET_TASKS[task].format
    if task in ("xnli", "pawsx"):
        return [kind.labels[e.label * (n % 3 > 0)] for n, e in enumerate(examples)]
    if task in ("udpos", "panx"):
        return [
            [tag if n % 5 else kind.labels[1] for n, tag in enumerate(e.tags)] for e in examples
        ]
    if task == "tatoeba":
        return [n * (n % 3 > 0) for n in range(len(examples))]
    if task == "bucc2018":
        targets = [pair.target_id for pair in examples]
        targets[:2] = targets[1::-1]
        return [[pair.source_id, target] for pair, target in zip(examples, targets, strict=True)]
    return {
        e.id: e.answers[0][0] if n % 2 else f"the {e.answers[0][0][: n + 2]} x"
        for n, e in enumerate(examples)
    }


def scored(task, code, examples, predictions):
    if task == "tatoeba":
        return {"accuracy": accuracy(range(len(examples)), predictions)}
    if task == "bucc2018":
        gold = {(pair.source_id, pair.target_id) for pair in examples}
        return vars(mining_f1(dict.fromkeys(map(tuple, predictions), 1.0), gold, 1.0))
    if task in ("udpos", "panx"):
        return vars(span_f1([e.tags for e in examples], predictions))
    if task in ("xnli", "pawsx"):
        names = TARGET_TASKS[task].format.labels
        return {"accuracy": accuracy([names[e.label] for e in examples], predictions)}
    gold = {e.id: [text for text, _ in e.answers] for e in examples}
    if task == "mlqa":
        return vars(mlqa_scores(gold, predictions, code if code in ("en", "zh") else "hi"))
    return vars(squad_scores(gold, predictions))


@pytest.mark.parametrize("task", TARGETS)
def test_half_right_predictions_score_alike_in_memory_and_in_files(run, tmp_path, task):
    held = {c: found.examples for c, found in run[2].evaluation(task, "test").items()}
    predictions = {code: half_right(task, examples) for code, examples in held.items()}
    export_xtreme(tmp_path, entry(run, task, **predictions), run[2])
    right = []
    for path in files(tmp_path, "labels", task):
        code = path.stem.removeprefix("test-")
        expected = scored(task, code, held[code], predictions[code])
        found = scores_of(task, path, tmp_path / f"predictions/{task}/{path.name}")
        assert found == pytest.approx(expected, abs=1e-9)
        right.append(found["f1" if "f1" in found else "accuracy"])
    assert 0 < fmean(right) < 100


def test_chosen_tells_the_model_and_our_scores(run, export):
    _, records, _ = run
    chosen = json.loads((export / "predictions/chosen.json").read_text())
    assert list(chosen) == list(TARGETS)
    for record in (r for r in records if r["part"] == "test"):
        entry = chosen[record["task"]]
        assert (entry["intermediate"], entry["seed"]) == ("none", 0)
        assert (entry["job"], entry["score"]) == (record["job"], record["score"])
        assert entry["languages"] == {c: v["score"] for c, v in record["languages"].items()}


def test_tatoeba_comes_in_the_order_of_xtremes_sorted_english_file(run, tmp_path):
    _, _, inventory = run
    rows = inventory.evaluation("tatoeba", "test")["qaa"].examples
    export_xtreme(tmp_path, entry(run, "tatoeba", qaa=[100 + n for n in range(ROWS)]), inventory)
    labels = [int(line) for line in read_lines(tmp_path / "labels/tatoeba/test-qaa.tsv")]
    english = [rows[place].target for place in labels]
    assert english == sorted(english) != [row.target for row in rows]
    predictions = read_lines(tmp_path / "predictions/tatoeba/test-qaa.tsv")
    assert predictions == [str(100 + place) for place in labels]


def test_xtreme_r_has_its_own_names_and_xcopa_in_json_lines(run, tmp_path):
    """As its evaluate.py looks for them: it leaves out, unsaid, folders that it does not know."""
    known = {"udpos_r": "udpos", "panx_r": "panx", "xquad_r": "xquad", "tatoeba_r": "tatoeba"}
    known |= {"mewsli_x": "mewslix", "xcopa": ""}
    assert {name: TARGET_TASKS[name].entry for name in known} == known
    copa = TARGET_TASKS["xcopa"].format
    row = {"premise": "It rained.", "choice1": "A", "choice2": "B", "question": "effect"}
    examples = [copa.parse({**row, "label": label}, "here") for label in (1, 0)]
    inventory = Inventory(CachedSource(Awkward()), ROWS)
    inventory.evaluation = lambda task, part: {"et": SimpleNamespace(examples=examples)}
    export_xtreme(
        tmp_path, {"xcopa": next(iter(entry(run, "xnli", et=[1, 1]).values()))}, inventory
    )
    labels, predictions = (
        [json.loads(line)["label"] for line in read_lines(tmp_path / side / "xcopa/test-et.jsonl")]
        for side in ("labels", "predictions")
    )
    assert (labels, predictions) == ([1, 0], [1, 1])


@pytest.mark.parametrize("code", ["de", "el", "fr", "hi", "sw", "zh"])
def test_tatoebas_labels_begin_as_xtremes_own(real_data, code, run, tmp_path):
    rows = Inventory(DirectorySource(real_data / "hub-mirror"), None)
    pairs = load_evaluation(rows.source, TARGET_TASKS["tatoeba"], Part("validation"), code, None)
    rows.evaluation = lambda task, part: {code: pairs}
    places = list(range(len(pairs)))
    export_xtreme(tmp_path, entry(run, "tatoeba", **{code: places}), rows)
    expected = read_lines(real_data / f"xtreme-mock/labels/tatoeba/test-{code}.tsv")
    for side in ("labels", "predictions"):
        assert read_lines(tmp_path / f"{side}/tatoeba/test-{code}.tsv")[: len(expected)] == expected


# Writing ------------------------------------------------------------------------------------------


def entry(run, task, **predictions):
    _, records, _ = run
    (record,) = (r for r in records if (r["task"], r["part"]) == (task, "test"))
    return {task: Entry(record, predictions)}


def test_nothing_predicted_is_an_empty_file_or_text(run, tmp_path):
    _, _, inventory = run
    export_xtreme(tmp_path, entry(run, "bucc2018", qaa=[]), inventory)
    assert read_lines(tmp_path / "predictions/bucc2018/test-qaa.tsv") == []
    for text in ("", "上海\n\t\ud800"):
        export_xtreme(tmp_path, entry(run, "mlqa", zh={"zh-1": text}), inventory)
        found = (tmp_path / "predictions/mlqa/test-zh.json").read_bytes()
        assert found.isascii()
        assert json.loads(found) == {"zh-1": text}
    assert not (tmp_path / "predictions/bucc2018").exists()  # of the earlier export


@pytest.mark.parametrize(
    ("task", "code", "predictions", "says"),
    [
        ("pawsx", "en", ["0"], "PAWS-X en: 1 predictions on 8 rows; "),
        ("mlqa", "zh", {}, "MLQA zh: 0 predictions on 1 rows; "),
        ("bucc2018", "qaf", [["qaf-1", "en-1"]], "BUCC qaf: 1 predictions on 0 rows; "),
    ],
)
def test_predictions_on_other_rows_are_refused(run, tmp_path, task, code, predictions, says):
    _, _, inventory = run
    with pytest.raises(InputError, match=f"^{says}export with the data that the run was made on$"):
        export_xtreme(tmp_path, entry(run, task, **{code: predictions}), inventory)


@pytest.mark.parametrize("side", ["predictions", "labels"])
def test_files_of_others_are_not_replaced(run, tmp_path, side):
    _, _, inventory = run
    precious = tmp_path / side / "xnli/test-en.tsv"
    precious.parent.mkdir(parents=True)
    precious.write_text("neutral\n")
    for act in (
        lambda: check_export(tmp_path),
        lambda: export_xtreme(tmp_path, entry(run, "bucc2018", qaa=[]), inventory),
    ):
        with pytest.raises(InputError, match=rf"its {side} folder is not an earlier export's"):
            act()
    assert precious.read_text() == "neutral\n"


def test_a_folder_that_cannot_be_made_is_one_line(run, tmp_path):
    _, _, inventory = run
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written \(.*\); choose another folder$"):
        export_xtreme(tmp_path / "file", entry(run, "bucc2018", qaa=[]), inventory)
