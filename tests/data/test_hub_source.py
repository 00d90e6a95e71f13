"""The hub's own library on a local folder of hub repositories: no network."""

import pytest

from stilts_repro.data.hub import HubSource
from stilts_repro.data.source import DirectorySource
from stilts_repro.errors import MissingError

# One configuration of every shape of row: label classes, nested answers, lists, filtered columns.
CONFIGS = [
    ("nyu-mll/glue", "mnli", "validation_matched"),
    ("rajpurkar/squad_v2", "squad_v2", "validation"),
    ("Rowan/hellaswag", "default", "validation"),
    ("google/xtreme", "PAN-X.en", "validation"),
    ("google/xtreme", "XQuAD.zh", "validation"),
]


@pytest.fixture
def mirror(real_data, tmp_path, monkeypatch):
    import datasets

    folder = real_data / "hub-mirror"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    datasets.disable_progress_bars()
    return folder


@pytest.mark.parametrize(("repo", "config", "split"), CONFIGS)
def test_the_hub_and_a_directory_give_the_same_rows(mirror, repo, config, split):
    hub, directory = HubSource(prefix=f"{mirror}/"), DirectorySource(mirror)
    rows = hub.load(repo, config, split)
    assert rows == directory.load(repo, config, split)
    assert [type(value) for value in rows[0].values()] == [
        type(value) for value in directory.load(repo, config, split, 1)[0].values()
    ]
    assert hub.load(repo, config, split, 3) == rows[:3]
    assert len(hub.load(repo, config, split, 10**6)) == len(rows) > 100


def test_the_hub_says_what_it_has(mirror):
    hub = HubSource(prefix=f"{mirror}/")
    assert hub.has("google/xtreme", "XQuAD.zh", "validation")
    assert not hub.has("google/xtreme", "XQuAD.zh", "test")
    assert not hub.has("google/xtreme", "XQuAD.xx", "validation")


@pytest.mark.parametrize(
    ("repo", "config", "split"),
    [
        ("google/xtreme", "XQuAD.zh", "test"),
        ("google/xtreme", "XQuAD.xx", "validation"),
        ("nobody/nothing", "default", "train"),
    ],
)
def test_what_the_hub_lacks_is_missing_in_one_line(mirror, repo, config, split):
    with pytest.raises(MissingError) as caught:
        HubSource(prefix=f"{mirror}/").load(repo, config, split)
    message = str(caught.value)
    assert message.startswith(f"{repo} {config}/{split}: the hub did not give it (")
    assert "--data DIR" in message
    assert "\n" not in message


def test_an_unreachable_hub_is_missing_in_one_line(monkeypatch):
    import datasets

    def refuse(*_, **__):
        raise ConnectionError("Couldn't reach the hub\nMaxRetryError(...)")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    monkeypatch.setattr(datasets, "get_dataset_config_names", refuse)
    # "Not there" would be a claim about the hub; it is `load` that says what is wrong.
    assert HubSource().has("google/xtreme", "XNLI", "test")
    with pytest.raises(MissingError, match=r"\(ConnectionError: Couldn't reach the hub\)") as error:
        HubSource().load("google/xtreme", "XNLI", "test")
    assert "\n" not in str(error.value)
