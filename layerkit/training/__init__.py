"""Training: the generic trainer, and what it leaves behind."""
