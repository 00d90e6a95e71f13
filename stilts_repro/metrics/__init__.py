"""Metrics and post-processing: pure functions from predictions to scores in points (0 to 100).

Nothing here reads a file or runs a model. Errors are `ValueError`: a caller passed arrays that do
not fit together, which is a fault in the program and not something that a user can mend.
"""
