"""The paper's grid: its nine intermediate and nine target tasks. Claims are about these alone.

What this package can run is in `tasks.training_sets` and `tasks.targets`, and may be more.
"""

# In the order of Table 2.
INTERMEDIATES = (
    *("anli", "mnli", "qqp", "squad_v1", "squad_v2", "hellaswag", "ccg", "cosmosqa", "csqa"),
)
TARGETS = (*("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", "bucc2018", "tatoeba"),)
BEST = ("squad_v2", "mnli", "hellaswag")  # the intermediate tasks that it names best
