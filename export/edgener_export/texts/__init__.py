"""Unlabelled text out of public repositories at named commits."""
