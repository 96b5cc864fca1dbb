"""What differs between two schemas: renames, changes and remarks.

`renames` and `candidates` find what may be the same under another name, `compare`
makes the changes with one module an aspect: `labels`, `properties` (with `backfill`),
`relationships` and `elements`, over the `working` schema.
"""

from alembic_neo4j.schema.diff.candidates import Candidate, candidates
from alembic_neo4j.schema.diff.compare import Difference, diff
from alembic_neo4j.schema.diff.notes import Note
from alembic_neo4j.schema.diff.renames import Renames, certain_renames

__all__ = [
    "Candidate",
    "Difference",
    "Note",
    "Renames",
    "candidates",
    "certain_renames",
    "diff",
]
