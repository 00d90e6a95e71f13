"""One module a kind of task: draws meanings and makes rows with the hub data set's columns.

A draw depends on a random stream and on the split's sampler alone; the language comes in only when
the drawn meanings are realised. Rows of two languages from equal streams are translations.
"""
