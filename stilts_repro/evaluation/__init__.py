"""Running a model over features, and what its outputs come to."""
