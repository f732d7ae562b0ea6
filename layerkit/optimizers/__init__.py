"""Update rules: the contract, and one built-in optimizer per file."""
