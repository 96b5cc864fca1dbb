"""Data in by batch and out again: sources, formats, values, rules, loading."""
