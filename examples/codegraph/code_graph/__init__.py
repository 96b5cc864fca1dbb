"""A graph of source code: its models, and the builder of its source."""
