"""A reader of XTREME's files that shares no code with what writes them."""

import json

from stilts_repro.metrics.labels import accuracy, span_f1
from stilts_repro.metrics.retrieval import mining_f1
from stilts_repro.metrics.squad import mlqa_scores, squad_scores
from stilts_repro.tasks.entities import EntityRetrieval, Linked


def read_lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def read_sentences(path):
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    return [block.split() for block in blocks]


def read_golds(path):
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return {
        qa["id"]: [answer["text"] for answer in qa["answers"]]
        for article in articles
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    }


def scores_of(task, labels, predictions):
    """Score two files; the testbed's languages have no articles, and neither has MLQA's Hindi."""
    language = labels.stem.removeprefix("test-")
    language = "hi" if language.startswith("qa") else language
    if task in ("panx", "udpos"):
        return vars(span_f1(read_sentences(labels), read_sentences(predictions)))
    if task == "bucc2018":
        return vars(mining_f1(dict.fromkeys(read_lines(predictions), 1.0), read_lines(labels), 1.0))
    if task == "mewslix":
        golds, found = (json.loads(path.read_text()) for path in (labels, predictions))
        held = [Linked(name, "", entity, "") for name, (entity,) in golds.items()]
        each = [found.get(mention.identity, []) for mention in held]
        return EntityRetrieval(pool=True).score(held, each, language).metrics
    if labels.suffix == ".json":
        golds, answers = read_golds(labels), json.loads(predictions.read_text(encoding="utf-8"))
        return vars(
            mlqa_scores(golds, answers, language)
            if task == "mlqa"
            else squad_scores(golds, answers)
        )
    return {"accuracy": accuracy(read_lines(labels), read_lines(predictions))}
