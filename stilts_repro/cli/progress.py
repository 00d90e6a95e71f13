"""What a run prints while it goes."""

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from stilts_repro.cli.listing import duration
from stilts_repro.errors import plain
from stilts_repro.experiments.jobs import Job
from stilts_repro.report.table import number, paper_cell, value_form
from stilts_repro.run.execution import Progress


class PrintedProgress(Progress):
    """A line a finished job, with the time that is left if the others take as long."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.total = self.done = self.reused = 0
        self.started = 0.0

    def planned(self, jobs: Mapping[str, Job], reused: int) -> None:
        """Say how much there is to do."""
        self.total, self.done, self.reused = len(jobs), reused, reused
        self.started = time.monotonic()
        if jobs:
            trainings = sum(bool(job.recipes) for job in jobs.values())
            self.console.print(
                f"{len(jobs)} jobs, {trainings} of them trainings; {reused} finished already"
            )

    def finished(self, job: Job, seconds: float) -> None:
        """Print the job, how long it took, and what the rest will take, about."""
        self.done += 1
        width, rest = len(str(self.total)), max(0, self.total - self.done)
        each = (time.monotonic() - self.started) / (self.done - self.reused)
        left = f", about {duration(each * rest)} left" if rest else ""
        self.console.print(
            f"[{self.done:{width}}/{self.total}] {job.title}  {seconds:.1f} s{left}",
            markup=False,
            highlight=False,
        )

    def damaged(self, complaints: Mapping[str, str]) -> None:
        """Say which files are not what was written."""
        for job, complaint in complaints.items():
            told = f"{plain(complaint)}; job {job} is set aside and done again"
            self.console.print(told, markup=False)

    def failed(self, job: Job, reason: str) -> None:
        """Say which job failed, and why."""
        self.console.print(f"failed: {job.title}: {plain(reason)}", markup=False, highlight=False)

    def measured(self, claim: Mapping[str, Any]) -> None:
        """Print what a claim comes to, before the table that has all of them."""
        value = number(claim["observed"]["value"], value_form(claim))
        paper = "" if claim["paper"] is None else f" (paper {paper_cell(claim)})"
        self.console.print(f"  {claim['id']}: {value}{paper}, {claim['verdict']}")
