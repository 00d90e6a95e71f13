"""Measured rates: what one run of the benchmarks found, their history, and what moved."""
