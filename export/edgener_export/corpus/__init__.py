"""Labelled sentences: the formats they come in, their tagging schemes, and what is measured of them."""
