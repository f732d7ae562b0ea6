"""Where samples come from: the contract, and one source per file."""
