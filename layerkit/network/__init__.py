"""The runtime network: the builder and `Sequential`."""
