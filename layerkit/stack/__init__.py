"""The contract of what stands in a stack: what components declare and do, and the nodes that they run at."""
