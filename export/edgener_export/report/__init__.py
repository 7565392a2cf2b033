"""The report of a build: what was measured, as HTML and Markdown."""
