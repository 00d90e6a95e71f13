"""Rows from the Hugging Face hub through `datasets`, never with a data set's own code."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stilts_repro.data.card import read_card
from stilts_repro.data.columns import Row, evenly, rows_of
from stilts_repro.data.revisions import LOCAL_ONLY, pinned
from stilts_repro.errors import MissingError

Catalogue = Mapping[str, frozenset[str] | None]  # splits by configuration; None: not listed


class HubSource:
    """The hub itself, or (in tests) a folder of hub repositories that `load_dataset` can open.

    Every data set is loaded at one commit (`data.revisions`). With `HF_HUB_OFFLINE` or
    `HF_DATASETS_OFFLINE` set, only the local cache is read.
    """

    name = "hub"
    languages = None

    def __init__(self, prefix: str = "") -> None:
        check_home()
        self.prefix = prefix
        self._catalogues: dict[str, Catalogue | None] = {}
        self._current: dict[str, str | None] = {}

    def revision(self, repo: str, config: str, split: str) -> str | None:
        """Return the commit that `repo` is loaded at; None for a folder, or where none is known."""
        return self._commit(repo)

    def _commit(self, repo: str) -> str | None:
        """Return the same: a repository's splits are all of one commit.

        Where no commit is pinned, it is the hub's current one at first use. Offline it is None,
        and the newest rows in the cache are loaded.
        """
        if self.prefix or repo in LOCAL_ONLY:
            return None
        if commit := pinned(repo):
            return commit
        if repo not in self._current:
            self._current[repo] = _current_commit(repo)
        return self._current[repo]

    def has(self, repo: str, config: str, split: str) -> bool:
        """Say whether the hub lists the split; True where the hub cannot be asked.

        "Not there" would be a claim about the hub, and a language would be left out in silence;
        it is `load` that then says what is wrong. One small file answers for a whole repository.
        """
        if repo in LOCAL_ONLY:
            return False
        if repo not in self._catalogues:
            self._catalogues[repo] = self._read_catalogue(repo)
        catalogue = self._catalogues[repo]
        if catalogue is None:
            return True
        if catalogue and config not in catalogue:
            return False
        splits = catalogue.get(config)
        return self._ask(repo, config, split) if splits is None else split in splits

    def declared(self, repo: str) -> None:
        """Say nothing: `has` knows."""

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return at most `limit` rows; `MissingError` where the hub gives none."""
        from datasets import load_dataset

        where = f"{repo} {config}/{split}"
        if repo in LOCAL_ONLY:
            raise MissingError(f"{where}: the hub has no plain data of it; {LOCAL_ONLY[repo]}")
        revision = self._commit(repo)
        try:
            with _quiet():
                data = load_dataset(self.prefix + repo, config, split=split, revision=revision)
        except Exception as error:  # `datasets` raises a dozen unrelated kinds here
            raise MissingError(f"{where}: {_explain(error, revision)}") from None
        _check_commit(where, data, revision)
        numbers = evenly(range(len(data)), limit)
        if limit is not None:
            data = data.select(numbers)
        return rows_of(data.with_format("arrow")[:], where, numbers=numbers)

    def _read_catalogue(self, repo: str) -> Catalogue | None:
        """Read what the repository's card lists; {}: it lists nothing, None: it cannot be had."""
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import (
            LocalEntryNotFoundError,
            RemoteEntryNotFoundError,
            RepositoryNotFoundError,
        )

        try:
            card = Path(self.prefix + repo) / "README.md"
            if not self.prefix:
                found = hf_hub_download(
                    repo,
                    "README.md",
                    repo_type="dataset",
                    revision=self._commit(repo),
                    local_files_only=_offline(),
                )
                card = Path(found)
            return read_card(card).splits
        except LocalEntryNotFoundError:
            return {} if _offline() else None  # offline the cached rows may know
        except (FileNotFoundError, RemoteEntryNotFoundError):
            return {}
        except RepositoryNotFoundError:
            return {"": frozenset()}  # the hub has answered: no such configuration
        except Exception:  # no network, a gate, a head that is not YAML: `load` says which
            return None

    def _ask(self, repo: str, config: str, split: str) -> bool:
        """Ask `datasets`, which looks at the names of all files, or offline into its cache."""
        from datasets import get_dataset_split_names

        try:
            with _quiet():
                path, revision = self.prefix + repo, self._commit(repo)
                return split in get_dataset_split_names(path, config, revision=revision)
        except ValueError:  # an unknown configuration, or offline one that is not in the cache
            return _offline()
        except Exception:  # as in `load`, which gives the reason
            return True


def check_home() -> None:
    """Raise `MissingError` where the hub's files would be kept in a folder called `~`."""
    from huggingface_hub.constants import HF_HOME

    if HF_HOME.startswith("~"):
        raise MissingError(
            f"{HF_HOME}: no such home folder to keep the hub's files in; name one with HF_HOME"
        )


def _offline() -> bool:
    """Say whether `HF_HUB_OFFLINE` or `HF_DATASETS_OFFLINE` forbids the network."""
    import datasets
    import huggingface_hub

    return bool(datasets.config.HF_HUB_OFFLINE or huggingface_hub.is_offline_mode())


def _current_commit(repo: str) -> str | None:
    """Ask the hub for the newest commit of `repo`; None where it does not answer."""
    from huggingface_hub import HfApi

    if _offline():
        return None
    try:
        return HfApi().dataset_info(repo, timeout=30).sha
    except Exception:  # no network, no such repository: `load` says which
        return None


def _explain(error: Exception, revision: str | None) -> str:
    """Return in one line why `load_dataset` failed, and what to do."""
    reason = str(error).splitlines()[0] if str(error) else "no reason given"
    if "Dataset scripts are no longer supported" in reason:
        return (
            "on the hub it needs code of its own, which is never run; put its rows into DIR as "
            "parquet, laid out like the hub, and give --data hub+DIR"
        )
    if _offline():
        at = f" at commit {revision}" if revision else ""
        return (
            f"not in the local cache{at}, and the network is switched off (HF_HUB_OFFLINE or "
            "HF_DATASETS_OFFLINE); load it once with a network (docs/data.md says how), or give "
            f"--data DIR ({type(error).__name__}: {reason})"
        )
    return (
        f"the hub did not give it ({type(error).__name__}: {reason}); check the network, or give "
        "--data DIR with the same layout"
    )


def _check_commit(where: str, data: Any, revision: str | None) -> None:
    """Refuse cached rows of another commit: without a network `datasets` takes the newest."""
    for folder in sorted({Path(file["filename"]).parent for file in data.cache_files}):
        if revision is not None and folder.name != revision:
            raise MissingError(
                f"{where}: {folder} in the cache is not of commit {revision}; remove it, and load "
                "the data set once with a network (docs/data.md says how)"
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep `datasets` from warning at every read that it reads its cache."""
    from datasets.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)
