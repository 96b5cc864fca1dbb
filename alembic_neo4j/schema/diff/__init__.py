"""What differs between two schemas: renames, changes and remarks.

`renames` and `candidates` find what may be the same under another name, `offers` which
of that a person is told of, `compare`
makes the changes with one module an aspect: `labels`, `properties` (with `backfill`),
`relationships` and `elements`, over the `working` schema.
"""

from alembic_neo4j.schema.diff.candidates import (
    Candidate,
    accepted,
    can_be_made,
    candidates,
    likely_candidates,
    refuses,
)
from alembic_neo4j.schema.diff.compare import Difference, diff, refused_renames
from alembic_neo4j.schema.diff.intermediate import Note, Refusal
from alembic_neo4j.schema.diff.renames import Renames, certain_renames

__all__ = [
    "Candidate",
    "Difference",
    "Note",
    "Refusal",
    "Renames",
    "accepted",
    "can_be_made",
    "candidates",
    "certain_renames",
    "diff",
    "likely_candidates",
    "refused_renames",
    "refuses",
]
