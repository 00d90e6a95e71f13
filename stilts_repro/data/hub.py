"""Rows from the Hugging Face hub through `datasets`, never with a data set's own code."""

from functools import cache

from stilts_repro.data.source import Row
from stilts_repro.errors import MissingError


class HubSource:
    """The hub itself, or (in tests) a folder of hub repositories that `load_dataset` can open."""

    name = "hub"
    languages = None

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix

    def has(self, repo: str, config: str, split: str) -> bool:
        """Say whether the hub lists the split; True where the hub cannot be asked."""
        from datasets import get_dataset_split_names

        # An unknown configuration is an answer ("not there"); an unreachable hub is not, and
        # surfaces from `load` with its reason.
        try:
            path = self.prefix + repo
            return config in _configs(path) and split in get_dataset_split_names(path, config)
        except (ConnectionError, OSError, ValueError):
            return True

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return the split's first `limit` rows; `MissingError` where the hub gives none."""
        from datasets import load_dataset

        try:
            data = load_dataset(self.prefix + repo, config, split=split)
        except Exception as error:  # `datasets` raises a dozen unrelated kinds here
            raise MissingError(
                f"{repo} {config}/{split}: the hub did not give it ({type(error).__name__}: "
                f"{str(error).splitlines()[0] if str(error) else 'no reason given'}); check the "
                "network, or give --data DIR with the same layout"
            ) from None
        if limit is not None:
            data = data.select(range(min(limit, len(data))))
        return data.to_list()


@cache
def _configs(path: str) -> frozenset[str]:
    """Return a repository's configurations; `google/xtreme` has 183, asked for one by one."""
    from datasets import get_dataset_config_names

    return frozenset(get_dataset_config_names(path))
