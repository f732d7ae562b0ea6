"""Which components exist: the hooks, the discovery of distributions, and the immutable registry."""
