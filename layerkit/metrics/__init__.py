"""What tells how good predictions are: the contract, and one metric per file."""
