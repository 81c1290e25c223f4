"""Data that the book reads, found with `importlib.resources`."""
