"""What is written of each property class, by whomever, is read through neomodel."""

from __future__ import annotations

import datetime as datetime_module
import json
import os
import subprocess
import sys
from datetime import date, datetime, timezone
from typing import Any, NamedTuple

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.migration.project import Project

UTC = timezone.utc


MODELS = """
class Everything(StructuredNode):
    code = StringProperty(unique_index=True)
    string = StringProperty()
    regex = RegexProperty(expression="[A-Z]+")
    email = EmailProperty()
    integer = IntegerProperty()
    float_ = FloatProperty()
    boolean = BooleanProperty()
    day = DateProperty()
    moment = DateTimeProperty()
    formatted = DateTimeFormatProperty(format="%d.%m.%Y %H:%M")
    native = DateTimeNeo4jFormatProperty()
    json_ = JSONProperty()
    array = ArrayProperty(IntegerProperty())
    days = ArrayProperty(DateProperty())
    moments = ArrayProperty(DateTimeProperty())
    uid = UniqueIdProperty()
    alias = AliasProperty(to="string")
"""
# In a process of its own: neomodel keeps every class that was ever imported.
NEOMODEL = """
import os, sys
from datetime import date, datetime, timezone
from neomodel import db
from models import Everything

UTC = timezone.utc
db.set_connection(os.environ["CONNECTION"])
values = eval(sys.argv[1])
Everything(code="neomodel", **values).save()
read = {}
for thing in Everything.nodes.all():
    assert thing.alias == thing.string
    read[thing.code] = {
        name: v.astimezone(UTC) if name == "native" else v
        for name, v in ((name, getattr(thing, name)) for name in values)
    }
print(repr(read).replace("zoneinfo.ZoneInfo(key='UTC')", "datetime.timezone.utc"))
"""


class Written(NamedTuple):
    """A value of Python's, and how a CSV and a JSON file have it."""

    value: Any
    text: str
    json: Any = None

    @property
    def in_json(self) -> Any:
        """What the JSON file has."""
        return self.text if self.json is None else self.json


VALUES = {
    "string": Written("Zoë", "Zoë"),
    "regex": Written("ABC", "ABC"),
    "email": Written("a@b.org", "a@b.org"),
    "integer": Written(-7, "-7", -7),
    "float_": Written(2.5, "2.5", 2.5),
    "boolean": Written(False, "false", False),
    "day": Written(date(2024, 2, 29), "29/02/2024"),
    "moment": Written(datetime(2024, 7, 1, 8, 30, tzinfo=UTC), "01/07/2024 10:30"),
    "formatted": Written(datetime(2024, 7, 1, 10, 30), "01/07/2024 10:30"),
    "native": Written(datetime(2024, 7, 1, 8, 30, tzinfo=UTC), "01/07/2024 10:30"),
    "json_": Written({"a": [1, None]}, '{"a": [1, null]}', {"a": [1, None]}),
    "array": Written([1, 2], "1;2", [1, 2]),
    "days": Written([date(2024, 1, 2)], "02/01/2024", ["02/01/2024"]),
    "moments": Written(
        [datetime(2024, 1, 2, tzinfo=UTC)], "02/01/2024 01:00", ["02/01/2024 01:00"]
    ),
    "uid": Written("0" * 32, "0" * 32),
}
FORMATS = (
    *("--date-format", "%d/%m/%Y", "--datetime-format", "%d/%m/%Y %H:%M"),
    *("--time-zone", "Europe/Berlin"),
)


@pytest.fixture
def things(live: Project) -> Project:
    """The class is applied to an empty graph."""
    live.models(MODELS)
    live.done("revision", "--autogenerate", "--rev-id", "r1")
    live.done("upgrade", "head")
    return live


def write(graph: Graph, statement: str, **parameters: Any) -> None:
    graph.transaction([(statement, parameters)])


def _through_neomodel(project: Project, server: Any, values: str) -> Any:
    """Let neomodel write the values and read whatever is there, by code."""
    scheme, _, address = server.url.partition("://")
    url = f"{scheme}://{server.username}:{server.password}@{address}"
    done = subprocess.run(
        [sys.executable, "-c", NEOMODEL, values],
        cwd=project.path,
        env={**os.environ, "CONNECTION": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return eval(done.stdout, {"datetime": datetime_module})


WANTED = {name: written.value for name, written in VALUES.items()}


def test_what_anybody_writes_neomodel_reads(
    things: Project, neo4j_graph: Graph, neo4j_server: Any
) -> None:
    values = repr({**WANTED, "uid": "3"}).replace("datetime.timezone", "timezone")
    values = values.replace("datetime.date", "date").replace(
        "datetime.datetime", "datetime"
    )
    cells = ('"' + w.text.replace('"', '""') + '"' for w in VALUES.values())
    (things.path / "t.csv").write_text(
        f"code,{','.join(VALUES)}\ncsv,{','.join(cells)}\n"
    )
    row = {name: written.in_json for name, written in VALUES.items()}
    (things.path / "t.jsonl").write_text(
        json.dumps({**row, "code": "json", "uid": "1" * 32})
    )
    things.revision(
        "r2",
        f"op.create_nodes('Everything', [{{**{values}, 'code': 'op', 'uid': '2'}}])",
        down="r1",
        header="from datetime import date, datetime, timezone",
    )
    for name in ("t.csv", "t.jsonl"):
        loaded = things.verb(
            *("ingest", "load", name, "--label", "Everything", "--batch", name),
            *FORMATS,
        )
        assert loaded.status == 0, loaded.text
    things.done("upgrade", "head")

    uids = {"csv": "0" * 32, "json": "1" * 32, "op": "2", "neomodel": "3"}
    assert _through_neomodel(things, neo4j_server, values) == {
        code: {**WANTED, "uid": uid} for code, uid in uids.items()
    }
    # What neomodel stores is of the same types.
    stored = neo4j_graph.read(
        "MATCH (t:Everything) UNWIND keys(t) AS key WITH t, key WHERE NOT key IN "
        "['_alembic_batch', 'native'] RETURN key, "
        "count(DISTINCT valueType(t[key])) AS types, count(*) AS all"
    )
    assert {(row["types"], row["all"]) for row in stored} == {(1, 4)}
    verified = things.verb("verify", "--full")
    assert verified.status == 0, verified.text


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("json_", "{not json", "it is no JSON"),
        ("day", "29.2.24", "a date looks like"),
        ("moment", "noon", "a date and time look like"),
        ("formatted", "2024-07-01T10:30", "does not match format"),
        ("email", "nobody", "matches"),
        ("days", "2024-01-01;x", "a date looks like"),
    ],
)
def test_a_file_whose_value_could_not_be_read_is_refused(
    things: Project, neo4j_graph: Graph, column: str, value: str, reason: str
) -> None:
    (things.path / "t.csv").write_text(f'code,{column}\na,"{value}"\n')
    done = things.verb(
        "ingest", "load", "t.csv", "--label", "Everything", "--batch", "b"
    )
    assert done.status == 2
    assert reason in done.text
    assert neo4j_graph.read("MATCH (t:Everything) RETURN t") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("day", "'1.2.2024'"), ("json_", "'{not json'"), ("moment", "'noon'")],
)
def test_a_revision_whose_value_could_not_be_read_is_refused(
    things: Project, neo4j_graph: Graph, name: str, value: str
) -> None:
    things.revision(
        "r2",
        f"op.create_nodes('Everything', [{{'code': 'a', '{name}': {value}}}])",
        down="r1",
    )
    message = things.failed("upgrade", "head")
    assert f"row 1: expected in '{name}' a value that its model can read" in message
    assert neo4j_graph.read("MATCH (t:Everything) RETURN t") == []


@pytest.mark.parametrize(
    ("old", "new", "stored", "then"),
    [
        ("StringProperty()", "DateProperty()", "2024-02-29", "2024-02-29"),
        ("FloatProperty()", "DateTimeProperty()", 86400.0, 86400.0),
        ("IntegerProperty()", "DateTimeProperty()", 86400, 86400.0),
        ("DateProperty()", "DateTimeProperty()", "1970-01-02", 86400.0),
        ("JSONProperty()", "StringProperty()", "[1]", "[1]"),
        ("IntegerProperty()", "JSONProperty()", 5, "5"),
        ("JSONProperty()", "BooleanProperty()", "true", True),
        (
            "DateTimeProperty()",
            "DateTimeNeo4jFormatProperty()",
            1720000000.123456,
            "2024-07-03T09:46:40.123456Z",
        ),
    ],
)
def test_another_class_is_a_difference_and_goes_back(
    live: Project, neo4j_graph: Graph, old: str, new: str, stored: Any, then: Any
) -> None:
    live.models(f"class Kind(StructuredNode):\n    p = {old}\n")
    live.done("revision", "--autogenerate", "--rev-id", "r1")
    live.done("upgrade", "head")
    write(neo4j_graph, "CREATE (k:Kind {p: $p})", p=stored)
    live.models(f"class Kind(StructuredNode):\n    p = {new}\n")
    live.done("revision", "--autogenerate", "--rev-id", "r2")
    live.done("upgrade", "head")
    live.done("check")
    value = "CASE WHEN k.p IS :: ZONED DATETIME THEN toString(k.p) ELSE k.p END"
    read = f"MATCH (k:Kind) RETURN {value} AS p, valueType(k.p) AS type"
    (row,) = neo4j_graph.read(read)
    assert row["p"] == then
    assert type(row["p"]) is type(then)
    live.done("downgrade", "r1")
    (row,) = neo4j_graph.read(read)
    assert (row["p"], type(row["p"])) == (stored, type(stored))


@pytest.mark.parametrize(
    ("old", "new", "stored", "reason"),
    [
        ("StringProperty()", "DateProperty()", "2024-02-31", "such as 2024-12-31"),
        ("StringProperty()", "DateProperty()", "noon", "such as 2024-12-31"),
        ("FloatProperty()", "DateTimeProperty()", 1.7e12, "seconds since 1970"),
        (
            "ArrayProperty(StringProperty())",
            "ArrayProperty(DateProperty())",
            ["2024-01-01", "x"],
            "such as 2024-12-31",
        ),
        ("StringProperty()", "JSONProperty()", "x", "to STRING (JSON)"),
    ],
)
def test_values_that_the_new_class_can_not_read_stop_it(
    live: Project, neo4j_graph: Graph, old: str, new: str, stored: Any, reason: str
) -> None:
    live.models(f"class Kind(StructuredNode):\n    p = {old}\n")
    live.done("revision", "--autogenerate", "--rev-id", "r1")
    live.done("upgrade", "head")
    write(neo4j_graph, "CREATE (k:Kind {p: $p})", p=stored)
    live.models(f"class Kind(StructuredNode):\n    p = {new}\n")
    live.done("revision", "--autogenerate", "--rev-id", "r2")
    assert reason in live.failed("upgrade", "head")
    assert neo4j_graph.read("MATCH (k:Kind) RETURN k.p AS p") == [{"p": stored}]


def test_verify_finds_what_the_class_can_not_read(
    live: Project, neo4j_graph: Graph
) -> None:
    live.models(
        """
        class Base(StructuredNode):
            day = DateProperty()
            note = JSONProperty()
            mail = EmailProperty()

        class Below(Base):
            days = ArrayProperty(DateProperty())
            mail = StringProperty()
        """
    )
    live.done("revision", "--autogenerate", "--rev-id", "r1")
    live.done("upgrade", "head")
    write(
        neo4j_graph,
        "CREATE (:Base {day: '2024-01-01', note: '[]', mail: 'a@b.c'}), "
        "(:Base:Below {mail: 'anything', days: ['2024-01-01'], note: '1'})",
    )
    assert live.verb("verify", "--full").status == 0
    write(
        neo4j_graph,
        "UNWIND range(1, 5) AS i CREATE (:Base:Below {day: 'x' + i, days: ['', 'y']}), "
        "(:Base {note: '{not json', mail: 'nobody'})",
    )
    done = live.verb("verify", "--full", "--format", "json")
    assert done.status == 1
    found = [
        row
        for row in json.loads(done.out)["findings"]
        if row["code"] == "value-unreadable"
    ]
    assert [row["subject"] for row in found] == [
        "(:Base) day",
        "(:Base) mail",
        "(:Base) note",
        "(:Below) days",
    ]
    assert all(row["found"].startswith("5 nodes, such as 4:") for row in found)
    assert "'{not json': it is no JSON" in found[2]["found"]


def test_an_option_that_no_column_has_a_use_for_is_an_error(
    things: Project, neo4j_graph: Graph
) -> None:
    (things.path / "t.csv").write_text("code,string\na,01/02/2024\n")
    load = ("ingest", "load", "t.csv", "--label", "Everything", "--batch", "b")
    done = things.verb(*load, "--date-format", "%d/%m/%Y")
    assert done.status == 2
    assert "expected a column that date_format = '%d/%m/%Y' is for" in done.text
    assert neo4j_graph.read("MATCH (t:Everything) RETURN t") == []


def test_the_key_of_an_end_is_looked_for_as_it_is_stored(
    live: Project, neo4j_graph: Graph
) -> None:
    live.models(
        """
        class Day(StructuredNode):
            on = DateProperty(unique_index=True)
            after = RelationshipTo("Day", "AFTER")
        """
    )
    live.done("revision", "--autogenerate", "--rev-id", "r1")
    live.done("upgrade", "head")
    write(neo4j_graph, "CREATE (:Day {on: '2024-02-01'}), (:Day {on: '2024-02-02'})")
    (live.path / "t.csv").write_text("a,b\n2/2/2024,1/2/2024\n")
    done = live.verb(
        *("ingest", "load", "t.csv", "--relationship-type", "AFTER", "--batch", "b"),
        *("--source-label", "Day", "--source-key", "on", "--source-column", "a"),
        *("--target-label", "Day", "--target-key", "on", "--target-column", "b"),
        *("--date-format", "%d/%m/%Y", "--on-unmatched", "fail"),
    )
    assert done.status == 0, done.text
    assert neo4j_graph.read("MATCH (a)-[:AFTER]->(b) RETURN a.on AS a, b.on AS b") == [
        {"a": "2024-02-02", "b": "2024-02-01"}
    ]
