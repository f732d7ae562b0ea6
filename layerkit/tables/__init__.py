"""Tables: rows with named columns, and how they become the arrays that a network computes with."""
