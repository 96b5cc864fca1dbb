"""Judgement over values that are handed in: it reads and writes nothing itself."""
