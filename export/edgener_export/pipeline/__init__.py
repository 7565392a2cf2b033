"""The way from a recipe to a bundle: the stages of a build, the search over quantizations, the gate."""
