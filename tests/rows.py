"""Rows that a test makes up, and a source that gives them back."""


class Given:
    """A source of the rows that a test gives it."""

    name = "rows"
    languages = None

    def __init__(self, splits):
        self.splits = splits

    def has(self, repo, config, split):
        return (config, split) in self.splits

    def declared(self, repo):
        return frozenset(self.splits)

    def revision(self, repo, config, split):
        return None

    def load(self, repo, config, split, limit=None):
        return self.splits[config, split][:limit]


def question(name, context="He lives in Rome.", text="Rome", start=12):
    return {
        "id": name,
        "question": "Where?",
        "context": context,
        "answers": {"text": [text], "answer_start": [start]},
    }


def questions(count, prefix="english", contexts=None):
    """Questions, several to a context, in an order that mixes the contexts."""
    contexts = contexts or count // 3
    return [
        question(f"{prefix}-{i}", f"In Rome, {prefix} {i % contexts}.", "Rome", 3)
        for i in range(count)
    ]


def blank(rows):
    return [{**row, "answers": {"text": [""], "answer_start": [0]}} for row in rows]


def one_line(error, *parts):
    assert "\n" not in str(error.value)
    assert all(part in str(error.value) for part in parts), str(error.value)
