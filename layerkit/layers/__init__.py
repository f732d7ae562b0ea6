"""The built-in layers, one per file."""
