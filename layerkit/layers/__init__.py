"""What stands in a stack: the layer and loss contracts, the node, and one built-in layer per file."""
