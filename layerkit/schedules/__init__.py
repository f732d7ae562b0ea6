"""How the learning rate changes in the course of a training: the contract, and one schedule per file."""
