"""Labelled sentences: the formats they come in, their tagging schemes, and their statistics."""
