"""The studies, one a script: questions that the paper leaves open."""
