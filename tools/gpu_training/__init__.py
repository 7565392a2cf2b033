"""Training of a teacher and its students on one GPU, by the clock: how the weights of our bundles were made."""
