"""The library of *Downhill*: what the book teaches, written once."""
