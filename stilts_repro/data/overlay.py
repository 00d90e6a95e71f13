"""Two sources as one: what the first lacks comes from the second."""

from stilts_repro.data.source import Row, Source


class OverlaySource:
    """`first` (a folder with what the hub lacks) before `second` (the hub)."""

    def __init__(self, first: Source, second: Source) -> None:
        self.first, self.second = first, second
        self.name = f"{second.name}+{first.name}"

    @property
    def languages(self) -> tuple[str, ...] | None:
        """The codes of all its languages; None: those that a task lists."""
        return self.second.languages

    def has(self, repo: str, config: str, split: str) -> bool:
        """Say whether either has the split."""
        return self.first.has(repo, config, split) or self.second.has(repo, config, split)

    def declared(self, repo: str) -> frozenset[tuple[str, str]] | None:
        """Return what the second says of itself: the first only adds to it."""
        return self.second.declared(repo)

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return at most `limit` rows of the first source that has the split."""
        return self._chosen(repo, config, split).load(repo, config, split, limit)

    def revision(self, repo: str, config: str, split: str) -> str | None:
        """Return the commit of the rows that `load` returns."""
        return self._chosen(repo, config, split).revision(repo, config, split)

    def _chosen(self, repo: str, config: str, split: str) -> Source:
        return self.first if self.first.has(repo, config, split) else self.second
