"""Identities of everything that is recorded, beside those that were recorded before.

    python -m tests.golden.identities

writes what is new. What is there already and is another one now needs another FORMAT
(alembic_neo4j/identity.py): runs that are open, and batches, are known by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from neo4j import time as driver_time
from neo4j.spatial import CartesianPoint, WGS84Point

from alembic_neo4j.command.import_crochet import revision_of
from alembic_neo4j.command.ingest import FileLoad, default_batch
from alembic_neo4j.command.transfer import batch_of
from alembic_neo4j.command.verb_run import verb_step
from alembic_neo4j.cypher.change_steps import steps
from alembic_neo4j.cypher.loads import RowDigest
from alembic_neo4j.cypher.load_targets import (
    Endpoint,
    LoadTarget,
    NodeTarget,
    RelationshipTarget,
)
from alembic_neo4j.cypher.data_changes import Mark
from alembic_neo4j.cypher.lexer import Kind
from alembic_neo4j.cypher.steps import Run, Step
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.cypher.batch_rollback import CreatedContents, Undo
from alembic_neo4j.cypher.steps import digest_of, kind_of, only_reads, ordered, units
from alembic_neo4j.files.formats import FileFormat as FileForm
from alembic_neo4j.files.operations import (
    BackUpFile,
    CopyFile,
    EnsureDirectory,
    FileOperation,
    GiveBack,
    MoveFile,
    RemoveDirectory,
    RemoveFile,
    WriteFile,
)
from alembic_neo4j.graph.archives import Archive, purging, restoring
from alembic_neo4j.ingest.typed_values import ValueOptions
from alembic_neo4j.ingest.data_rows import DataFileSource
from alembic_neo4j.ingest.files import DataFile
from alembic_neo4j.ingest.formats import FileFormat, ReadOptions
from alembic_neo4j.ingest.rules import PropertyRules, Rules
from alembic_neo4j.ingest.transfer_mapping import mapping_from_value
from alembic_neo4j.ingest.validation import OnError, Policy
from alembic_neo4j.ledger.audit import AuditEvent
from alembic_neo4j.ledger.files import PathChange, PathState
from alembic_neo4j.migration.revision_files import code_digest, file_digest
from alembic_neo4j.schema.changes import (
    AddConstraint,
    AddIndex,
    AddLabel,
    AddProperty,
    AlterProperty,
    AlterRelationship,
    BackfillProperty,
    Change,
    ConvertProperty,
    CopyProperty,
    DeduplicateRelationships,
    DeleteNodes,
    DeleteRelationships,
    DropConstraint,
    DropIndex,
    ExtractProperty,
    InlineNode,
    JoinProperties,
    MergeNodes,
    NodeToRelationship,
    NormalizeBoolean,
    Placeholder,
    RelationshipToNode,
    RemoveLabel,
    RemoveProperty,
    RenameLabel,
    RenameProperty,
    RenameRelationshipType,
    ReverseRelationships,
    SplitProperty,
)
from alembic_neo4j.schema.definitions import (
    Constraint,
    EntityType,
    Index,
    Node,
    Property,
    Relationship,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.kinds import ConstraintKind, IndexKind
from alembic_neo4j.identity import FORMAT, identity
from alembic_neo4j.schema.definitions import distinct_name

RECORDED = Path(__file__).parent / f"identities-{FORMAT}.json"

NODE, RELATIONSHIP = EntityType.NODE, EntityType.RELATIONSHIP

SCHEMA = Schema(
    nodes={
        "Person": Node(
            "Person",
            properties=(Property("name", "STRING"), Property("born", "STRING")),
            relationships=(Relationship("KNOWS", "Person"),),
        ),
        "City": Node("City", properties=(Property("name", "STRING"),)),
    },
    relationship_types={
        "KNOWS": RelationshipType("KNOWS", properties=(Property("since", "INTEGER"),))
    },
)
for _element in (
    Index(IndexKind.RANGE, NODE, ("Person",), ("name",)),
    Constraint(ConstraintKind.UNIQUE, NODE, "City", ("name",)),
):
    SCHEMA = SCHEMA.with_element(_element)

CHANGES: dict[str, Change] = {
    "add_index": AddIndex(Index(IndexKind.RANGE, NODE, ("Person",), ("born",))),
    "add_index, named": AddIndex(
        Index(IndexKind.RANGE, NODE, ("Person",), ("born",), name="mine")
    ),
    "add_relationship_text_index": AddIndex(
        Index(IndexKind.TEXT, RELATIONSHIP, ("KNOWS",), ("how",))
    ),
    "add_fulltext_index": AddIndex(
        Index(
            IndexKind.FULLTEXT,
            NODE,
            ("City", "Person"),
            ("name", "born"),
            (("fulltext.analyzer", "english"),),
        )
    ),
    "add_vector_index": AddIndex(
        Index(
            IndexKind.VECTOR,
            NODE,
            ("Person",),
            ("face",),
            (("vector.dimensions", 3), ("vector.similarity_function", "cosine")),
        )
    ),
    "drop_index": DropIndex(Index(IndexKind.RANGE, NODE, ("Person",), ("name",))),
    "add_unique_constraint": AddConstraint(
        Constraint(ConstraintKind.UNIQUE, NODE, "Person", ("born",))
    ),
    "add_property_type_constraint": AddConstraint(
        Constraint(ConstraintKind.TYPE, NODE, "Person", ("born",), "STRING")
    ),
    "drop_unique_constraint": DropConstraint(
        Constraint(ConstraintKind.UNIQUE, NODE, "City", ("name",))
    ),
    "rename_label": RenameLabel("Person", "Human"),
    "rename_label, where": RenameLabel("Person", "Human", where="n.born < '1900'"),
    "rename_label, back": RenameLabel("Human", "Person", undo=True),
    "add_label": AddLabel("Person", "Human"),
    "remove_label": RemoveLabel("Person", "Human"),
    "remove_label, undo": RemoveLabel("Person", "Human", undo=True),
    "add_node_property": AddProperty(
        NODE, "Person", Property("age", "INTEGER", default=18), backfill=True
    ),
    "add_node_property, required": AddProperty(
        NODE, "Person", Property("age", "INTEGER", required=True), backfill="1 + 1"
    ),
    "add_node_property, to fill in": AddProperty(
        NODE, "Person", Property("age", "INTEGER"), backfill=Placeholder.FILL_IN
    ),
    "restore_relationship_property": AddProperty(
        RELATIONSHIP, "KNOWS", Property("how", "STRING"), restore=True
    ),
    "remove_node_property": RemoveProperty(NODE, "Person", "born"),
    "remove_node_property, deleted": RemoveProperty(NODE, "Person", "born", "delete"),
    "alter_node_property": AlterProperty(
        NODE, "Person", "born", (("type", "INTEGER"),), using="toInteger(value)"
    ),
    "alter_node_property, checked": AlterProperty(
        NODE, "Person", "born", (("required", True), ("type", "INTEGER"))
    ),
    "rename_node_property": RenameProperty(NODE, "Person", "born", "birth"),
    "rename_node_property, back": RenameProperty(
        NODE, "Person", "birth", "born", "overwrite", undo=True
    ),
    "alter_relationship": AlterRelationship(
        "Person", Relationship("KNOWS", "Person"), (("target", "City"),)
    ),
    "reverse_relationships": ReverseRelationships("Person", "KNOWS", "City"),
    "rename_relationship_type": RenameRelationshipType("KNOWS", "LIKES"),
    "rename_relationship_type, of some": RenameRelationshipType(
        "KNOWS", "LIKES", source_labels=("Person",)
    ),
    "copy_node_property": CopyProperty(NODE, "Person", "born", "birth"),
    "backfill_node_property": BackfillProperty(NODE, "Person", "born", "'1900'"),
    "convert_node_property": ConvertProperty(
        NODE, "Person", "born", "toInteger(value)", on_failure="archive"
    ),
    "normalize_node_boolean": NormalizeBoolean(
        NODE, "Person", "alive", true_values=("yes", 1), false_values=("no", 0.0)
    ),
    "split_node_property": SplitProperty(NODE, "Person", "name", " ", into=("a", "b")),
    "join_node_properties": JoinProperties(NODE, "Person", ("a", "b"), "name", " "),
    "extract_property_to_node": ExtractProperty(
        "Person", "born", "Year", "BORN_IN", direction="IN", merge=False
    ),
    "inline_property_from_node": InlineNode("Person", "born", "Year", "BORN_IN"),
    "merge_nodes": MergeNodes(
        "Person", "n.name", policies=(("born", "all"),), policy="first"
    ),
    "delete_nodes": DeleteNodes("Person", where="n.born IS NULL", detach=True),
    "relationship_to_node": RelationshipToNode(
        "Person", "KNOWS", "Person", "Tie", "FROM", "TO"
    ),
    "node_to_relationship": NodeToRelationship(
        "Person", "FROM", "Tie", "TO", "Person", "KNOWS"
    ),
    "deduplicate_relationships": DeduplicateRelationships(
        "Person", "KNOWS", "Person", by=("since",)
    ),
    "delete_relationships": DeleteRelationships("KNOWS", source_label="Person"),
}

TARGETS: dict[str, LoadTarget] = {
    "nodes": NodeTarget(("Person",)),
    "nodes with keys": NodeTarget(("Person", "Human"), ("name", "born")),
    "relationships": RelationshipTarget(
        "KNOWS", Endpoint("Person", ("name",)), Endpoint("City", ("name", "zip"))
    ),
    "relationships with no keys": RelationshipTarget(
        "KNOWS", Endpoint("Person", ("name",)), Endpoint("City", ("name",)), (), "fail"
    ),
}

FILE = DataFile(
    "file:///data/people.csv", "people.csv", Path("/data/people.csv"), "ab" * 32, 20
)

SOURCES = {
    "a plain file": DataFileSource("people.csv"),
    "a file with options": DataFileSource(
        "people.csv",
        None,
        Rules(
            (
                PropertyRules("born", "DATE", minimum=date(1900, 1, 1), required=True),
                PropertyRules("score", "FLOAT", maximum=float("inf")),
            ),
            unknown="ignore",
        ),
        ReadOptions(FileFormat.CSV, delimiter=";", null_values=("", "NULL")),
        ValueOptions(list_separator="|", allow_nan=True),
        Policy(OnError.SKIP, 5),
        source_columns=("from",),
        target_columns=("to",),
    ),
}

VALUES: dict[str, Any] = {
    "null": None,
    "a boolean": True,
    "an integer": 2**62,
    "a float": 1.0,
    "a small float": 5e-324,
    "numbers that are none": [float("nan"), float("inf"), float("-inf"), -0.0],
    "a text": 'd\u00e9j\u00e0 \U0001f600 \x00 " \\ \u2028',
    "half a character": "\ud800",
    "bytes": b"\x00\xff",
    "a date": date(2024, 2, 29),
    "times": [time(1, 2, 3, 4), time(1, 2, tzinfo=timezone(timedelta(hours=2)))],
    "a local moment": datetime(2024, 2, 29, 1, 2, 3, 4),
    "a moment": datetime(2024, 2, 29, 1, 2, tzinfo=timezone.utc),
    "a moment in a zone": datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")),
    "a timedelta": timedelta(days=-1, seconds=5, microseconds=7),
    "the driver's": [
        driver_time.Date(2024, 2, 29),
        driver_time.Time(1, 2, 3, 4),
        driver_time.DateTime(2024, 2, 29, 1, 2, 3, 123456789),
        driver_time.Duration(months=1, days=2, seconds=3, nanoseconds=4),
    ],
    # Asked of the driver's own class, a ZoneInfo reads foreign memory.
    "the driver's in a zone": [
        driver_time.DateTime(2024, 7, 1, 1, 2, 3, 4, tzinfo=ZoneInfo("Europe/Berlin")),
        driver_time.Time(1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2))),
    ],
    "points": [WGS84Point((1.5, 2.0)), CartesianPoint((1, 2, 3))],
    "nested": {"b": [1, [2, {"a": None}]], "a": {}, "\u00e9": ()},
}

ROWS = [
    {"name": "Ann", "born": date(1990, 1, 1), "tags": ["a", "b"], "n": 2**40},
    {"name": "Bob", "born": None, "tags": [], "n": -1.5},
    {"at": WGS84Point((1.5, 2.0)), "when": driver_time.DateTime(2024, 2, 29)},
]


def identities() -> dict[str, str]:
    """Return every identity by what it is of."""
    return dict(_all())


def _all() -> Iterator[tuple[str, str]]:
    for name, value in VALUES.items():
        yield f"value: {name}", identity(value)
    for name, change in CHANGES.items():
        yield from _units(name, steps(change, SCHEMA, revision="r1"))
    texts = (
        Run("CREATE (:A)", Kind.DATA, {"p": 1}),
        Run("CREATE (:B)", Kind.DATA),
        Run("CALL { CREATE (:C) } IN TRANSACTIONS", Kind.AUTOCOMMIT, repeatable=True),
        Run("CREATE INDEX FOR (n:A) ON (n.a)", Kind.SCHEMA, place="a.cypher:1"),
    )
    yield from _units("Cypher", texts)
    archive = Archive("r1", "born", NODE, ("Person",), 3, None)
    marks = Archive("r1", "born", RELATIONSHIP, ("KNOWS",), 3, Mark.FILLED)
    yield from _units("archive restore", restoring(archive, "fail"))
    yield from _units("archive restore, kept", restoring(archive, "keep"))
    yield from _units("archive purge", [*purging(archive), *purging(marks)])
    yield from _loads()
    yield from _verbs()
    for operation in FILE_OPERATIONS:
        yield f"unit: {operation.title}", operation.digest


def recorded_units(found: Iterable[Step]) -> list[list[Step]]:
    """Return steps in the units that a run records."""
    return [u for u in units(ordered([*found])) if not only_reads(u)]


def _units(name: str, found: Iterable[Step]) -> Iterator[tuple[str, str]]:
    for number, unit in enumerate(recorded_units(found), 1):
        yield f"unit: {name}, {number} ({kind_of(unit)})", digest_of(unit)


def _loads() -> Iterator[tuple[str, str]]:
    for name, target in TARGETS.items():
        load = Load(target, ROWS, "b1", "_alembic_batch", "cd" * 32, batch_size=7)
        yield from _units(f"load of {name}", [load])
        yield f"batch: {name}", default_batch(FILE, target)
        for file, source in SOURCES.items():
            step = FileLoad(FILE, source, target, "b1").step
            yield f"ingest load: {name} of {file}", step.digest
    undo = Undo(("b2", "b1"), "_alembic_batch", known=CreatedContents(("A",), (), 1, 0))
    narrowed = Undo(("b1",), "_tag", ("A",), ("R",), detach=True)
    yield from _units("rollback", [undo])
    yield from _units("rollback, narrowed", [narrowed])
    digest = RowDigest()
    digest.update(ROWS)
    yield "rows", digest.hexdigest()


def _verbs() -> Iterator[tuple[str, str]]:
    yield "run", verb_step("run", "a.cypher", "a.cypher", "ab" * 32, {"p": 1}).digest
    yield "run of a long name", verb_step("run", f"{'a/' * 40}.cypher").subject
    yield "batch: a transfer", batch_of("graph")
    yield "batch: a transfer of a long name", batch_of("graph" * 20)
    said = {"nodes": [{"table": "t", "labels": ["A"], "key": "id"}]}
    yield "a mapping", mapping_from_value(said).digest
    yield "a revision of crochet", revision_of("0001_people")
    yield "a name made distinct", distinct_name("index_A_b", ("RANGE", "NODE", ("A",)))
    yield "an audit event", AUDITED.expected_hash
    yield from _revision_files()


FILE_OPERATIONS: tuple[FileOperation, ...] = (
    WriteFile("a/b.json", FileForm.JSON, {"at": 1}, backup=False),
    WriteFile("a/b.toml", FileForm.TOML, {}),
    WriteFile("a/b.yaml", FileForm.YAML, {}),
    BackUpFile("a/b.json"),
    CopyFile("a/b.json", "c.json", backup=False),
    MoveFile("a/b.json", "c.json"),
    RemoveFile("a/b.json", missing_ok=True),
    EnsureDirectory("a/b"),
    RemoveDirectory("a/b"),
    GiveBack("r1", (PathChange("a", PathState(), PathState.of_file(b"")),)),
)
AUDITED = AuditEvent(
    *("alembic_version", 2, "2026-11-27T06:00:00.000000+00:00", "run", "upgrade"),
    *("FAILED", 1, None, "alice", "host", "0.1.0", "bolt://host:7687", "ledger"),
    *('["r1"]', '{"total":{"nodes_created":1}}', 0.5, "refused", "2:" + "ab" * 32),
)

REVISION = '''"""A comment."""

revision = "r1"
down_revision = None
schema_hash = "1:abc"

from alembic_neo4j import op


def upgrade() -> None:
    """Say nothing."""
    op.run_cypher(f"CREATE (:A {{p: {1 +  1}}})")  # two
    op.run_cypher_file("a.cypher")
'''


def _revision_files() -> Iterator[tuple[str, str]]:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "r1.py"
        path.write_text(REVISION)
        path.with_name("a.cypher").write_text("CREATE (:B); // a comment\n")
        script: Any = SimpleNamespace(path=str(path))
        yield "a revision's file", file_digest(script)
        yield "a revision's code", code_digest(script)


def main() -> None:
    """Write what is new; what was recorded before stays as it is."""
    known = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    written = {**identities(), **known}
    RECORDED.write_text(json.dumps(written, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
