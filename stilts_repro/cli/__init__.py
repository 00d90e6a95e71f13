"""Command lines, above everything that they run."""
