"""One run: what is asked for, the plan and its cost, and what came of it."""
