"""Training: continued pre-training, fine-tuning and distillation, resumable."""
