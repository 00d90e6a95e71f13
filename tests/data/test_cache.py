import os
import pwd
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from stilts_repro.data import cache
from stilts_repro.data.batches import evaluation_batches, training_batches
from stilts_repro.data.features import collate
from stilts_repro.streams import say_once
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.span import Span
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.testbed import TestbedSource

SETS = {
    "squad": (Span(), "rajpurkar/squad", "plain_text"),
    "mnli": (TRAINING_SETS["mnli"].format, "nyu-mll/glue", "mnli"),
    "hellaswag": (TRAINING_SETS["hellaswag"].format, "Rowan/hellaswag", "default"),
    "udpos": (TRAINING_SETS["udpos_en"].format, "google/xtreme", "udpos.English"),
}
LIMITS = Limits(64, stride=16, max_question=16)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STILTS_CACHE", str(tmp_path / "cache"))
    say_once.cache_clear()
    return tmp_path / "cache" / "features"


def made(name, rows=12):
    """A format and examples of it."""
    kind, repo, config = SETS[name]
    return kind, [
        kind.parse(row, "here") for row in TestbedSource().load(repo, config, "train", rows)
    ]


def assert_same(found, expected):
    assert (found.group, found.truncated) == (expected.group, expected.truncated)
    assert (list(found.token), list(found.unit)) == (list(expected.token), list(expected.unit))
    for one, other in zip(arrays(found), arrays(expected), strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


def arrays(features):
    return [features.ids, features.offsets, *features.token.values(), *features.unit.values()]


def entries(folder):
    return sorted(folder.iterdir())


@pytest.mark.parametrize("name", SETS)
def test_a_second_call_maps_what_the_first_made(folder, tokenizer, name, monkeypatch):
    kind, examples = made(name)
    first = cache.featurise(kind, examples, tokenizer, LIMITS)
    assert_same(first, kind.featurise(examples, tokenizer, LIMITS))
    monkeypatch.setattr(type(kind), "featurise", None)  # must not be called any more
    second = cache.featurise(kind, examples, tokenizer, LIMITS)
    assert_same(second, first)
    assert not any(array.flags.writeable for array in arrays(second))
    assert all(isinstance(array.base, np.memmap) for array in arrays(second))
    assert len(entries(folder)) == 1


@pytest.mark.parametrize("name", SETS)
@pytest.mark.filterwarnings("error")  # torch warns of tensors on read-only memory
def test_batches_of_mapped_features_are_the_same(folder, tokenizer, name):
    kind, examples = made(name)
    plain = cache.featurise(kind, examples, tokenizer, LIMITS)
    mapped = cache.featurise(kind, examples, tokenizer, LIMITS)
    order = list(evaluation_batches(plain, 300))
    for units, others in zip(order, evaluation_batches(mapped, 300), strict=True):
        assert units.tolist() == others.tolist()
        one, other = (collate(features, units, 1) for features in (plain, mapped))
        assert one.input_ids.equal(other.input_ids)
        assert all(one.token[column].equal(other.token[column]) for column in one.token)
        for column in one.unit:
            assert one.unit[column].equal(other.unit[column])
            other.unit[column] += 1  # a batch is its own
    streams = [training_batches(f, 4, np.random.default_rng(0)) for f in (plain, mapped)]
    assert all(next(streams[0]).tolist() == next(streams[1]).tolist() for _ in range(9))


def test_whatever_decides_the_features_makes_another_entry(folder, tokenizer, tiny_model):
    from transformers import AutoTokenizer

    kind, examples = made("squad")
    other_tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    other_tokenizer.add_tokens(["zqzq"])
    segments = AutoTokenizer.from_pretrained(tiny_model)
    segments.model_input_names = [*segments.model_input_names, "token_type_ids"]
    calls = [
        (kind, examples, tokenizer, LIMITS),
        (kind, examples[:-1], tokenizer, LIMITS),
        (kind, examples[::-1], tokenizer, LIMITS),
        (kind, examples, tokenizer, Limits(64, stride=15, max_question=16)),
        (Span(unanswerable=True), examples, tokenizer, LIMITS),
        (kind, examples, other_tokenizer, LIMITS),
        (kind, examples, segments, LIMITS),
    ]
    for number, call in enumerate(calls):
        cache.featurise(*call)
        assert len(entries(folder)) == number + 1
    same = AutoTokenizer.from_pretrained(tiny_model)  # the same tokenizer, loaded from a folder
    cache.featurise(kind, examples, same, LIMITS)
    assert len(entries(folder)) == len(calls)


def test_changed_code_makes_another_entry(folder, tokenizer, tmp_path, monkeypatch):
    kind, examples = made("mnli")
    copy = tmp_path / "package"
    for part in cache.MAKERS:
        shutil.copytree(cache.PACKAGE / part, copy / part, ignore=lambda *_: {"__pycache__"})
    monkeypatch.setattr(cache, "PACKAGE", copy)
    for number in range(3):
        cache._code_hash.cache_clear()
        cache.featurise(kind, examples, tokenizer, LIMITS)
        cache.featurise(kind, examples, tokenizer, LIMITS)
        assert len(entries(folder)) == number + 1
        with (copy / "tasks" / "format.py").open("a") as module:
            module.write("# more\n")
    monkeypatch.undo()
    cache._code_hash.cache_clear()


@pytest.mark.parametrize("value", ["", "off"])
def test_the_cache_can_be_off(tmp_path, tokenizer, value, monkeypatch):
    monkeypatch.setenv("STILTS_CACHE", value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    kind, examples = made("mnli")
    cache.featurise(kind, examples, tokenizer, LIMITS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("home", "variable"), [("", "XDG_CACHE_HOME"), (".cache", "HOME")], ids=["xdg", "home"]
)
def test_it_lies_with_other_caches(tmp_path, tokenizer, home, variable, monkeypatch):
    for name in ("STILTS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    cache.featurise(*made("mnli"), tokenizer, LIMITS)
    assert len(entries(tmp_path / home / "stilts_repro" / "features")) == 1


def cut(entry):
    file = entry / "ids.npy"
    file.write_bytes(file.read_bytes()[:-7])


def turn_a_bit(entry):
    file = entry / "unit.start.npy"
    content = bytearray(file.read_bytes())
    content[-3] ^= 4
    file.write_bytes(content)


def lose_a_file(entry):
    (entry / "offsets.npy").unlink()


def lose_the_description(entry):
    (entry / "features.json").unlink()


def blank_the_description(entry):
    (entry / "features.json").write_bytes(b"\0" * 50)


def empty_a_file(entry):
    (entry / "ids.npy").write_bytes(b"")


def another_type(entry):
    file = entry / "ids.npy"
    file.write_bytes(file.read_bytes().replace(b"<i4", b"<u4", 1))


def pickled(entry):
    np.save(entry / "ids.npy", np.array([{}]), allow_pickle=True)


def not_a_mapping(entry):
    (entry / "features.json").write_text("[1]")


@pytest.mark.parametrize(
    "damage",
    [
        *(cut, turn_a_bit, lose_a_file, lose_the_description, blank_the_description),
        *(empty_a_file, another_type, pickled, not_a_mapping),
    ],
)
def test_a_damaged_entry_is_made_anew_and_that_is_said_once(folder, tokenizer, damage, capsys):
    kind, examples = made("squad")
    first = cache.featurise(kind, examples, tokenizer, LIMITS)
    (entry,) = entries(folder)
    for _ in range(2):
        damage(entry)
        assert_same(cache.featurise(kind, examples, tokenizer, LIMITS), first)
        assert entries(folder) == [entry]
        assert isinstance(cache.featurise(kind, examples, tokenizer, LIMITS).ids.base, np.memmap)
    assert capsys.readouterr().err == (
        f"feature cache: {entry} was damaged; it has been made anew\n"
    )


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path, tokenizer, capsys, folder):
    folder.parent.write_text("a file where the folder should be")
    kind, examples = made("mnli")
    for rows in (12, 12, 6):
        found = cache.featurise(kind, examples[:rows], tokenizer, LIMITS)
        assert_same(found, kind.featurise(examples[:rows], tokenizer, LIMITS))
    err = capsys.readouterr().err
    assert err.startswith(f"feature cache: {folder.parent} cannot be written (")
    assert err.count("\n") == 1


def test_a_full_disk_leaves_nothing_behind(folder, tokenizer, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    cache.featurise(*made("mnli"), tokenizer, LIMITS)
    assert entries(folder) == []
    assert "cannot be written (No space left on device)" in capsys.readouterr().err


def test_several_at_once_leave_one_whole_entry(folder, tokenizer, capsys):
    kind, examples = made("squad", 40)
    expected = kind.featurise(examples, tokenizer, LIMITS)

    def one(_):
        return cache.featurise(kind, examples, tokenizer, LIMITS)

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(one, range(24)):
            assert_same(found, expected)
    assert len(entries(folder)) == 1
    assert capsys.readouterr().err == ""


def test_an_entry_that_appears_after_a_look_is_not_called_damaged(
    folder, tokenizer, monkeypatch, capsys
):
    read, (kind, examples) = cache._read, made("mnli")

    def look_too_early(entry):
        monkeypatch.setattr(cache, "_read", read)
        cache.featurise(kind, examples, tokenizer, LIMITS)  # as another process might
        raise FileNotFoundError(entry)

    monkeypatch.setattr(cache, "_read", look_too_early)
    found = cache.featurise(kind, examples, tokenizer, LIMITS)
    assert_same(found, kind.featurise(examples, tokenizer, LIMITS))
    assert len(entries(folder)) == 1
    assert capsys.readouterr().err == ""


def test_another_process_finds_the_same_entry(folder, tiny_model):
    """The key must not depend on the process (hash seeds, paths, what was tokenised before)."""
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(tiny_model)
    kind, examples = made("mnli")
    loaded("used", padding="max_length", truncation=True)
    cache.featurise(kind, examples, loaded, LIMITS)
    script = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from test_cache import LIMITS, cache, made\n"
        "from transformers import AutoTokenizer\n"
        "tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])\n"
        "found = cache.featurise(*made('mnli'), tokenizer, LIMITS)\n"
        "print(type(found.ids.base).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tiny_model), str(Path(__file__).parent)],
        env=os.environ | {"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "memmap\n"
    assert len(entries(folder)) == 1


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"STILTS_CACHE": "~/x"}, "home/x"),
        ({"STILTS_CACHE": " ~/x "}, "home/x"),
        ({"STILTS_CACHE": " off "}, None),
        ({"XDG_CACHE_HOME": ""}, "home/.cache/stilts_repro"),
        ({"XDG_CACHE_HOME": "relative"}, "home/.cache/stilts_repro"),  # as the XDG rules say
    ],
)
def test_homes_are_found(tmp_path, monkeypatch, variables, expected):
    for name in ("STILTS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache.cache_root() == (expected and tmp_path / expected)


@pytest.mark.parametrize("named", [None, "~/x", "~nobody-at-all/x"])
def test_without_a_home_nothing_is_kept_and_that_is_said_once(
    tmp_path, tokenizer, monkeypatch, capsys, named
):
    say_once.cache_clear()
    for name in ("STILTS_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    if named:
        monkeypatch.setenv("STILTS_CACHE", named)

    def nobody(_):
        raise KeyError("no entry in passwd")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.chdir(tmp_path)
    kind, examples = made("mnli")
    for rows in (12, 6):
        cache.featurise(kind, examples[:rows], tokenizer, LIMITS)
    assert list(tmp_path.iterdir()) == []
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error == (
        f"feature cache: {named or '~/.cache/stilts_repro'}: no such home folder; nothing is kept "
        "(STILTS_CACHE names another folder)\n"
    )


def test_a_real_full_disk_costs_only_the_cache(folder, tokenizer, capsys, little_room):
    kind, examples = made("squad")
    with little_room(500):
        for rows in (12, 8):
            cache.featurise(kind, examples[:rows], tokenizer, LIMITS)
    assert entries(folder) == []
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "cannot be written (" in error
