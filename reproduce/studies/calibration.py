"""S5: whether English fine-tuning leaves a model surer than it is right where morphology is rich.

The statistic is the over-confidence on XNLI's test rows (mean confidence less accuracy, in points)
in languages of rich morphology less that in languages of poor one, without phase (ii).
"""

from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.evaluation.confidence import SCALED
from stilts_repro.experiments.conditions import NONE, Condition, after
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import Study, contrast, contrast_at_equal, design_of

BEFORE = (after("squad_v2"), after("hellaswag"), after("mnli"))
MEASURES = ("overconfidence", "debiased_error", "nll", "brier")


def rich_less_poor(scores: Scores, condition: Condition, measure: str) -> float:
    """Return the contrast of a measure of XNLI's test rows, in the measure's unit."""
    values = scores.metric(measure, condition, "xnli", "test")
    return contrast(values, design_of("calibration"), "rich", "poor")


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Return over-confidence without phase (ii): rich less poor languages, in points."""
    return rich_less_poor(scores, NONE, "overconfidence")


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return every measure's contrast by condition, as it is and at English dev's temperature.

    Besides, that of over-confidence at equal accuracy: a model that is right less often is too sure
    for that alone.
    """
    conditions = (NONE, *scores.held(BEFORE))
    told: dict[str, Any] = {
        name: {str(c): rich_less_poor(scores, c, name) for c in conditions}
        for measure in MEASURES
        for name in (measure, SCALED + measure)
    }
    told["overconfidence at equal accuracy"] = {
        str(c): contrast_at_equal(
            scores.metric("overconfidence", c, "xnli", "test"),
            scores.metric("accuracy", c, "xnli", "test"),
            design_of("calibration"),
            "rich",
            "poor",
        )
        for c in conditions
    }
    return told


STUDY = Study(
    id="calibration",
    conditions=BEFORE,
    value=value,
    details=details,
    targets=("xnli",),
    needed=(),
    evaluation_rows=2_000,  # 100 rows give a perfectly calibrated model an error of ten points
)

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
