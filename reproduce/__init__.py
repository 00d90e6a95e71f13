"""One script a reported number: its id, the cells it needs, how they become the number."""
