"""Update rules: the contract, the workplace of a step, and one built-in optimizer per file."""
