"""Faults of what was written down: what is wrong, where, and what to do."""
