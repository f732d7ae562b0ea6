"""Specs: models and runs as validated data, checked before anything is allocated."""
