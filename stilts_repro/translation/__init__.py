"""Phase (ii) in other languages: English training rows, translated by a model or on the testbed."""
