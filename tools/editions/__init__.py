"""Editions of the chapters for people who have no Sphinx at hand: students, instructors."""
