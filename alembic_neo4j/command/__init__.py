"""What the verbs do, one module for each."""
