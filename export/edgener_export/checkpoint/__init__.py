"""Checkpoints: pre-trained weights, where they come from and how they are made smaller or wider."""
