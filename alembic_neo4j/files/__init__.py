"""File operations of a revision: JSON, TOML, YAML, and the bytes before."""
