"""Scales and recipes, the plan of jobs, the store, the executor and its workers."""
