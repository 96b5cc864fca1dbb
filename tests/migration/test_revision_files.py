"""The text of a revision's file: what counts as an edit, and the hash written in it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alembic_neo4j.migration.revision_files import (
    code_digest,
    file_digest,
    write_schema_hash,
)

SOURCE = '''"""People."""
from alembic_neo4j import op

revision = "r1"
schema_hash: str | None = "1:abc"


def upgrade() -> None:
    """Upgrade the graph."""
    if revision:
        op.add_index("Person", "name")
    op.execute(f"CREATE (:Person {{name: '{revision!r:>3}'}})")
'''


def digests(path: Path, text: str) -> tuple[str, str]:
    path.write_text(text)
    script: Any = SimpleNamespace(path=str(path))
    return file_digest(script), code_digest(script)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n\n\n", "\n"),
        ('"name")', '"name")  # why'),
        ('op.add_index("Person", "name")', 'op.add_index(\n   "Person","name"\n  )'),
        ("    if revision:\n        op", "    if revision:\n            op"),
        ('"""People."""', '"""People,\nand more of them."""'),
        ('    """Upgrade the graph."""\n', ""),
        ('"1:abc"', "None"),
        ("from alembic_neo4j import op", "from alembic_neo4j \\\n    import op"),
    ],
)
def test_what_does_the_same(tmp_path: Path, old: str, new: str) -> None:
    assert old in SOURCE
    before = digests(tmp_path / "r1.py", SOURCE)
    after = digests(tmp_path / "r1.py", SOURCE.replace(old, new))
    assert after[1] == before[1]
    assert after[0] != before[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Person"', '"Human"'),
        ('"Person"', '"Per son"'),
        ("CREATE (", "CREATE  ("),
        ("!r:>3", "!r:>4"),
        ("{revision", "{ revision"),
        ("        op.add", "    op.add"),
        ('revision = "r1"', 'revision = "r1";x = 1'),
        ("    if revision:\n        op", "    if not revision:\n        op"),
    ],
)
def test_what_does_something_else(tmp_path: Path, old: str, new: str) -> None:
    assert old in SOURCE
    before = digests(tmp_path / "r1.py", SOURCE)
    text = SOURCE.replace(old, new)
    assert digests(tmp_path / "r1.py", text)[1] != before[1]


def test_the_digest_is_that_of_every_version_of_python(tmp_path: Path) -> None:
    # From 3.12 on an f-string is many tokens.
    assert digests(tmp_path / "r1.py", SOURCE)[1] == (
        "728bd92a90fea90c969bca5390abb24a33cbb3bcca70e05214221741bbb32661"
    )


def test_a_file_that_is_no_python_has_the_digest_of_its_text(tmp_path: Path) -> None:
    whole, code = digests(tmp_path / "r1.py", "def upgrade(:\n")
    assert code == whole


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_hash_is_written_and_nothing_else(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "r1.py"
    text = f"# über\n{SOURCE}".replace("\n", ends)
    path.write_bytes(text.encode())
    path.chmod(0o640)
    write_schema_hash(path, "1:new")
    assert path.read_bytes().decode() == text.replace("1:abc", "1:new")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["r1.py"]


@pytest.mark.parametrize(
    "source",
    [
        "revision = 'r1'\n",
        "schema_hash = None\nschema_hash = None\n",
        "def upgrade():\n    schema_hash = None\n",
    ],
)
def test_a_file_without_one_place_for_it_is_left_alone(
    tmp_path: Path, source: str
) -> None:
    path = tmp_path / "r1.py"
    path.write_text(source)
    with pytest.raises(ValueError, match="schema_hash is assigned"):
        write_schema_hash(path, "1:new")
    assert path.read_text() == source
