"""How accurate the loss is, here and in four libraries: `python -m studies.accuracy`."""
