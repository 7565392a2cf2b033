"""Recipes: one TOML file, one reproducible model."""
