"""The tables of tasks and languages, and one module a format."""
