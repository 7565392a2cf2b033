"""Rules that correct the spans of a text after decoding; a bundle names those that its model was measured with."""
