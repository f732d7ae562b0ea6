"""What a stack ends with: one loss per file, and what losses share about targets."""
