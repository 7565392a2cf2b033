"""Scores of bundles: spans that are right, sets of them, calibration, and comparison."""
