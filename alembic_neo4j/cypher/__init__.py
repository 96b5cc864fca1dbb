"""Cypher as text and as steps that carry it; no driver, and nothing of a server."""
