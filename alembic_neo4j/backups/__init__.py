"""Backups of a graph: made over Bolt, checked to the last bit, restored, compared."""
