"""Labels that nobody annotated: what other models say of unlabelled text, fused to our guideline."""
