"""The hub's own library, on folders of hub repositories and on a cache: no network."""

import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stilts_repro.data.hub import HubSource
from stilts_repro.data.revisions import LOCAL_ONLY, PINS, pinned
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
SQUAD = [
    {"id": f"q{i}", "question": "?", "answers": {"text": ["a"], "answer_start": [i]}}
    for i in range(5)
]
PAIRS = [{"premise": "a", "hypothesis": "b", "label": 1, "idx": i} for i in range(3)]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of `datasets`, and a hub that cannot be reached."""
    import datasets
    import huggingface_hub

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    datasets.disable_progress_bars()
    return tmp_path / "cache"


@pytest.fixture
def offline(cache, monkeypatch):
    import datasets
    import huggingface_hub

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return cache


@pytest.fixture
def hub(tmp_path, cache):
    """Made-up repositories: two with a card that lists their splits, one without a card."""
    root = tmp_path / "repositories"
    write(root, "rajpurkar/squad", "plain_text", "train", SQUAD)
    write(root, "rajpurkar/squad", "plain_text", "validation", SQUAD[:2])
    card(root, "rajpurkar/squad", {"plain_text": ["train", "validation"]})
    write(root, "nyu-mll/glue", "mnli", "train", PAIRS)
    write(root, "nyu-mll/glue", "mnli", "validation_matched", PAIRS[:1])
    card(root, "nyu-mll/glue", {"mnli": ["train", "validation_matched"]})
    path = root / "made/up/data/train-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(PAIRS), path)
    return root


def write(root, repo, config, split, rows):
    path = root / repo / config / f"{split}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def card(root, repo, configs):
    lines = ["---", "configs:"]
    for config, splits in configs.items():
        lines += [f"- config_name: {config}", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {config}/{split}.parquet"]
    (root / repo / "README.md").write_text("\n".join([*lines, "---", ""]))


def one_line(caught):
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_rows_come_from_a_hub_repository(hub):
    source = HubSource(prefix=f"{hub}/")
    assert source.load("rajpurkar/squad", "plain_text", "train") == SQUAD
    assert source.load("rajpurkar/squad", "plain_text", "train", 2) == [SQUAD[0], SQUAD[2]]
    assert source.load("nyu-mll/glue", "mnli", "validation_matched", 99) == PAIRS[:1]
    assert source.revision("rajpurkar/squad", "default", "train") is None


def test_one_card_answers_for_all_configurations(hub, monkeypatch):
    import datasets

    def refuse(*_, **__):
        raise AssertionError("a second look")

    source = HubSource(prefix=f"{hub}/")
    monkeypatch.setattr(datasets, "get_dataset_split_names", refuse)
    assert source.has("nyu-mll/glue", "mnli", "train")
    (hub / "nyu-mll/glue/README.md").unlink()
    assert source.has("nyu-mll/glue", "mnli", "validation_matched")
    assert not source.has("nyu-mll/glue", "mnli", "test")
    assert not source.has("nyu-mll/glue", "qqp", "train")


def test_a_repository_without_a_card_is_looked_at(hub):
    source = HubSource(prefix=f"{hub}/")
    assert source.has("made/up", "default", "train")
    assert not source.has("made/up", "default", "test")
    assert not source.has("made/up", "other", "train")


@pytest.mark.parametrize("repo", PINS)
def test_a_pin_is_a_whole_commit_and_says_where_it_was_seen(repo):
    pin = PINS[repo]
    assert (pin.commit is None) == (pin.provenance == "none") and pin.seen
    assert pin.commit is None or re.fullmatch("[0-9a-f]{40}", pin.commit)
    assert HubSource().revision(repo, "default", "train") == pinned(repo) == pin.commit


@pytest.fixture
def asked(cache, monkeypatch):
    """What `load_dataset` is asked for; it always gives `PAIRS`."""
    import datasets

    asked = []

    def load_dataset(path, config, *, split, revision):
        asked.append((path, config, split, revision))
        return datasets.Dataset.from_list(PAIRS)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


def test_a_pinned_set_is_loaded_at_its_commit(asked):
    assert HubSource().load("nyu-mll/glue", "mnli", "train", 2) == PAIRS[:2]
    assert asked == [("nyu-mll/glue", "mnli", "train", PINS["nyu-mll/glue"].commit)]


class Api:
    """The hub's API: the commit of every repository is new at each question."""

    asked = 0

    def dataset_info(self, repo, timeout):
        Api.asked += 1
        if repo != "made/up":
            raise ConnectionError("no route")
        return type("Info", (), {"sha": f"{Api.asked:040x}"})


@pytest.fixture
def api(monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(Api, "asked", 0)
    return Api


def test_an_unpinned_set_is_resolved_once(asked, api):
    source = HubSource()
    source.load("made/up", "default", "train")
    source.load("made/up", "default", "test")
    assert [revision for *_, revision in asked] == [f"{1:040x}"] * 2
    assert source.revision("made/up", "default", "train") == f"{1:040x}"
    assert api.asked == 1


@pytest.mark.parametrize(("forbidden", "asked"), [(False, 1), (True, 0)])
def test_an_unpinned_set_has_no_revision_where_the_hub_is_silent(api, request, forbidden, asked):
    request.getfixturevalue("offline" if forbidden else "cache")
    source = HubSource()
    found = [source.revision("other/set", "default", "train") for _ in range(2)]
    assert found == [None, None]
    assert api.asked == asked


def fill(cache, hub, commit):
    """Leave in `cache` what loading glue's mnli from the hub at `commit` would."""
    HubSource(prefix=f"{hub}/").load("nyu-mll/glue", "mnli", "train")
    (made,) = (cache / "glue/mnli").glob("*/*/dataset_info.json")
    target = cache / "nyu-mll___glue/mnli" / made.parent.parent.name / commit
    shutil.copytree(made.parent, target)
    return target


def test_offline_a_filled_cache_is_enough(offline, hub):
    fill(offline, hub, PINS["nyu-mll/glue"].commit)
    source = HubSource()
    assert source.has("nyu-mll/glue", "mnli", "train")
    assert not source.has("nyu-mll/glue", "mnli", "test")
    assert source.load("nyu-mll/glue", "mnli", "train") == PAIRS
    assert source.load("nyu-mll/glue", "mnli", "validation_matched") == PAIRS[:1]


def test_offline_another_commit_is_not_taken_for_the_pinned_one(offline, hub):
    folder = fill(offline, hub, COMMIT)
    with pytest.raises(MissingError, match=r"is not of commit bcdcba79\w+; remove it") as caught:
        HubSource().load("nyu-mll/glue", "mnli", "train")
    assert str(folder) in one_line(caught)


@pytest.mark.parametrize("config", ["qqp", "mnli"])
def test_offline_what_the_cache_lacks_is_said_and_not_passed_over(offline, hub, config):
    if config == "qqp":
        fill(offline, hub, PINS["nyu-mll/glue"].commit)
    source = HubSource()
    assert source.has("nyu-mll/glue", config, "train")
    with pytest.raises(MissingError, match=r"not in the local cache at commit bcdcba79") as caught:
        source.load("nyu-mll/glue", config, "train")
    message = one_line(caught)
    assert message.startswith(f"nyu-mll/glue {config}/train: ")
    assert "HF_HUB_OFFLINE" in message and "docs/data.md" in message


def test_an_unreachable_hub_is_missing_in_one_line(cache, monkeypatch):
    import datasets
    import huggingface_hub

    def refuse(*_, **__):
        raise ConnectionError("Couldn't reach the hub\nMaxRetryError(...)")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    source = HubSource()
    # "Not there" would be a claim about the hub; it is `load` that says what is wrong.
    assert source.has("google/xtreme", "XNLI", "test")
    with pytest.raises(MissingError, match=r"\(ConnectionError: Couldn't reach the hub\)") as error:
        source.load("google/xtreme", "XNLI", "test")
    one_line(error)


@pytest.mark.parametrize("repo", LOCAL_ONLY)
def test_what_is_not_plain_data_on_the_hub_names_the_way_round(repo, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets, "load_dataset", None)
    source = HubSource()
    assert (
        not source.has(repo, "default", "train")
        and source.revision(repo, "default", "train") is None
    )
    with pytest.raises(MissingError, match=f"^{repo} default/train: .*hub\\+DIR$") as caught:
        source.load(repo, "default", "train")
    assert LOCAL_ONLY[repo] in one_line(caught)


def test_a_data_set_that_needs_code_is_not_run(hub):
    (hub / "made/up/up.py").write_text("raise SystemExit('was run')")
    with pytest.raises(MissingError, match=r"code of its own, which is never run.*hub\+DIR"):
        HubSource(prefix=f"{hub}/").load("made/up", "default", "train")


@pytest.fixture
def mirror(real_data, cache):
    folder = real_data / "hub-mirror"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.mark.parametrize(("repo", "config", "split"), CONFIGS)
def test_the_hub_and_a_directory_give_the_same_rows(mirror, repo, config, split):
    hub, directory = HubSource(prefix=f"{mirror}/"), DirectorySource(mirror)
    rows = hub.load(repo, config, split)
    assert rows == directory.load(repo, config, split)
    assert [type(value) for value in rows[0].values()] == [
        type(value) for value in directory.load(repo, config, split, 1)[0].values()
    ]
    third = len(rows) // 3
    for source in (hub, directory):
        some = source.load(repo, config, split, 3)
        assert some == [rows[number] for number in some.numbers]
        assert some.numbers == [0, third, len(rows) * 2 // 3]
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
    message = one_line(caught)
    assert message.startswith(f"{repo} {config}/{split}: the hub did not give it (")
    assert "--data DIR" in message


def test_without_a_home_the_hubs_files_would_be_in_a_folder_called_tilde(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", "~/.cache/huggingface")
    with pytest.raises(
        MissingError, match=r"^~/\.cache/huggingface: no such home folder .*HF_HOME$"
    ):
        HubSource()
