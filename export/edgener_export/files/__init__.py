"""Files: written whole or not at all, and fetched from the package index."""
