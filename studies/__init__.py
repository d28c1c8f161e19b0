"""Experiments whose results are stored in book/data, each run by hand."""
