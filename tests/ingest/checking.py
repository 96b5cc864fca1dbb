"""Rules for people, and the ways to check a file of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.errors import IngestError
from alembic_neo4j.ingest.download import obtain
from alembic_neo4j.ingest.rules import PropertyRules, Rules
from alembic_neo4j.ingest.validation import ValidationReport, validate

from .writing import lines

PEOPLE = Rules(
    (
        PropertyRules("id", "INTEGER", required=True, unique=True),
        PropertyRules("name", min_length=2, max_length=5, pattern="[A-Z]"),
        PropertyRules("age", "INTEGER", minimum=0, maximum=150),
        PropertyRules("kind", allowed=("a", "b")),
    ),
)
GOOD = "1,Ann,30,a"


def write(path: Path, *rows: str, heading: str = "id,name,age,kind") -> Path:
    path.write_bytes(lines(heading, *rows))
    return path


def checked(path: Path, rules: Rules = PEOPLE, **options: Any) -> ValidationReport:
    return validate(obtain(path), rules, **options)


def refused(path: Path, rules: Rules = PEOPLE, **options: Any) -> str:
    with pytest.raises(IngestError) as raised:
        checked(path, rules, **options)
    return str(raised.value)
