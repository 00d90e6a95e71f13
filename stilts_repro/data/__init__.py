"""Sources of rows, and rows as token sequences and batches."""
