"""Claims: what the paper reports, what this package expects, and whether a run agrees."""
