"""Checking files: what is found, what is refused, what is written of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.ingest import validation
from alembic_neo4j.ingest.download import obtain
from alembic_neo4j.ingest.progress import Progress
from alembic_neo4j.ingest.rules import PropertyRules, Rules
from alembic_neo4j.ingest.typed_values import ValueOptions
from alembic_neo4j.ingest.validation import OnError, Policy, open_checked

from .checking import GOOD, PEOPLE, checked, refused, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def test_a_good_file(path: Path) -> None:
    report = checked(write(path, GOOD, "2,Bob,,"))

    assert (report.rows, report.rejected) == (2, 0)
    assert report.ok
    assert report.violations == ()


@pytest.mark.parametrize(
    ("row", "column", "rule", "message"),
    [
        (",Bob,1,a", "id", "required", "expected a value, found none"),
        ("x,Bob,1,a", "id", "type", "expected INTEGER, found 'x'"),
        ("1,Bob,1,a", "id", "unique", "found 1, as in row 1"),
        ("2,B,1,a", "name", "min_length", "a length of at least 2, found 'B'"),
        ("2,Bobbie,1,a", "name", "max_length", "at most 5, found 'Bobbie'"),
        ("2,bob,1,a", "name", "pattern", "what matches [A-Z], found 'bob'"),
        ("2,Bob,-1,a", "age", "min", "expected at least 0, found -1"),
        ("2,Bob,151,a", "age", "max", "expected at most 150, found 151"),
        ("2,Bob,1,c", "kind", "allowed", "expected one of 'a, b', found 'c'"),
        ("2,Bob", None, "cells", "expected 4 cells, found 2"),
    ],
)
def test_each_rule_names_row_line_and_column(
    row: str, column: str | None, rule: str, message: str, path: Path
) -> None:
    report = checked(write(path, GOOD, "", row, "9,Zoe,2,b"))

    (violation,) = report.violations
    assert violation[:4] == (2, 4, column, rule)
    assert message in violation.message
    assert report.counts == {(column, rule): 1}
    assert (report.rows, report.rejected) == (3, 1)
    where = "people.csv, row 2 (line 4)"
    assert violation.described("people.csv").startswith(
        f"{where}, column {column!r}: " if column else f"{where}: "
    )


def test_all_that_is_wrong_with_a_row_is_counted(path: Path) -> None:
    write(path, "x,b,999,c", *[f"{n},bob,5,a" for n in range(100)])

    report = checked(path, policy=Policy(OnError.COLLECT, named=3))

    assert report.rejected == 101
    assert report.counts[("name", "pattern")] == 101
    assert report.counts[("id", "type")] == 1
    assert len(report.violations) == 3


def test_the_first_one_fails(path: Path) -> None:
    write(path, GOOD, "2,Bob,1,c", "x,Bob,1,a")

    message = refused(path, policy=Policy(OnError.FAIL))

    assert message.startswith("people.csv, row 2 (line 3), column 'kind': expected one")


def test_rows_are_skipped_up_to_a_number(path: Path) -> None:
    write(path, GOOD, "x,Bob,1,a", "3,Cat", "4,Dan,4,b")
    policy = Policy(OnError.SKIP, max_rejects=2)

    with open_checked(obtain(path), PEOPLE, policy=policy) as rows:
        found = list(rows)
        report = rows.report()

    assert found == [
        (1, {"id": 1, "name": "Ann", "age": 30, "kind": "a"}),
        (4, {"id": 4, "name": "Dan", "age": 4, "kind": "b"}),
    ]
    assert (report.rows, report.rejected) == (4, 2)
    message = refused(path, policy=Policy(OnError.SKIP, max_rejects=1))
    assert "at most 1 refused rows, found more by row 3" in message
    assert "row 2 (line 3), column 'id'" in message
    assert not checked(path, policy=Policy(OnError.SKIP)).ok


def test_a_refused_row_takes_no_value_from_others(path: Path) -> None:
    report = checked(write(path, "1,bob,1,a", "1,Bob,1,a", "1,Cat,1,a"))

    assert [v[0:4:3] for v in report.violations] == [(1, "pattern"), (3, "unique")]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (Rules(min_rows=3), "expected at least 3 rows, found 2"),
        (Rules(max_rows=1), "expected at most 1 rows, found more"),
    ],
)
def test_how_many_rows_there_are(rules: Rules, message: str, path: Path) -> None:
    write(path, GOOD, "2,Bob,1,a")

    report = checked(path, rules)

    assert report.counts == {(None, "rows"): 1}
    assert report.violations[0].described("people.csv") == f"people.csv: {message}"
    assert report.rejected == 0
    for policy in (Policy(OnError.FAIL), Policy(OnError.SKIP)):
        assert message in refused(path, rules, policy=policy)
    assert checked(path, Rules(min_rows=2, max_rows=2)).ok


def test_values_that_are_unique_together(path: Path) -> None:
    write(path, "a,b", "a,c", "a,b", "a,", "a,", ",", heading="x,y")

    report = checked(path, Rules(unique=(("x", "y"),)))

    (violation,) = report.violations
    assert violation[:4] == (3, 4, "x, y", "unique")
    assert "found 'a', 'b', as in row 1" in violation.message


def test_columns_that_no_rule_names(path: Path) -> None:
    write(path, "1,x", heading="id,nme")
    rules = (PropertyRules("id", "INTEGER"), PropertyRules("name"))

    def rows(unknown: str | None) -> list[Any]:
        with open_checked(obtain(path), Rules(rules, unknown=unknown)) as found:
            return [properties for _, properties in found]

    assert rows(None) == rows("keep") == [{"id": 1, "nme": "x"}]
    assert rows("ignore") == [{"id": 1}]
    assert "no column 'nme': nothing declares it. Did you mean 'name'?" in refused(
        path, Rules(rules, unknown="refuse")
    )


def test_columns_of_json_rows(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text('{"id": 1}\n{"id": 2, "x": 3}\n{"name": "Zoe"}\n{"id": null}\n')
    rules = Rules((PropertyRules("id", "INTEGER", required=True),), unknown="refuse")

    report = checked(path, rules)

    assert report.counts == {
        ("x", "unknown"): 1,
        ("name", "unknown"): 1,
        ("id", "required"): 2,
    }


def test_a_required_column_that_is_missing(path: Path) -> None:
    write(path, "Bob,1,a", heading="name,age,kind")

    message = refused(path)

    assert "a column for the required property 'id', found 'name, age" in message


def test_a_column_by_another_name(path: Path) -> None:
    write(path, "1,5,6", heading="Number,born,Name")
    rules = (
        PropertyRules("id", "INTEGER", column="Number"),
        PropertyRules("born_on", "INTEGER", attribute="born"),
        PropertyRules("Name"),
    )

    with open_checked(obtain(path), Rules(rules, unknown="refuse")) as rows:
        assert list(rows) == [(1, {"id": 1, "born_on": 5, "Name": "6"})]


def test_two_columns_of_one_property(path: Path) -> None:
    write(path, "1,2", heading="born,born_on")
    rules = Rules((PropertyRules("born_on", attribute="born"),))

    assert "'born' and 'born_on' are both the property" in refused(path, rules)
    twice = Rules((PropertyRules("a", column="x"), PropertyRules("x")))
    assert "one property for each column" in refused(path, twice)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (PropertyRules("id", "INTEGER", minimum="x"), "rule 'min' of 'id' is no value"),
        (PropertyRules("id", "DATE", maximum=5), "rule 'max' of 'id' is no value"),
        (PropertyRules("id", "INTEGER", allowed=(1, "x")), "rule 'allowed' of 'id'"),
        (PropertyRules("id", "NUMBER"), "found 'NUMBER'"),
    ],
)
def test_a_rule_that_can_not_be(rule: PropertyRules, expected: str, path: Path) -> None:
    assert expected in refused(write(path, GOOD), Rules((rule,)))


def test_bounds_are_values_of_the_type(path: Path) -> None:
    write(path, "2024-01-01", "2019-01-01", heading="day")
    rules = Rules((PropertyRules("day", "DATE", minimum="2020-01-01"),))

    report = checked(path, rules)

    assert report.violations[0].message == (
        "expected at least 2020-01-01, found datetime.date(2019, 1, 1)"
    )


def test_a_bound_of_another_kind_is_broken(path: Path) -> None:
    report = checked(
        write(path, "5", heading="x"), Rules((PropertyRules("x", minimum=0),))
    )

    assert report.violations[0].message == "expected at least 0, found '5'"


def test_the_options_of_values(path: Path) -> None:
    write(path, "01.02.2024", heading="day")
    rules = Rules((PropertyRules("day", "DATE"),))

    assert not checked(path, rules).ok
    assert checked(path, rules, values=ValueOptions(date_format="%d.%m.%Y")).ok


def test_progress_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "REPORT_ROWS", 2)
    write(path, *[f"{n},Ann,1,a" for n in range(5)])
    told: list[Progress] = []

    checked(path, report=told.append)

    assert [progress.rows for progress in told] == [2, 4, 5]
    assert told[-1].fraction == 1


def test_names_without_end_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text("".join(f'{{"k{n}": 1}}\n' for n in range(20_500)))

    report = checked(path, Rules(unknown="refuse"))

    assert report.rejected == 20_500
    assert len(report.counts) == 1_001
    assert report.counts[("…", "unknown")] == 19_500
