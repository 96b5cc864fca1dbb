"""The refused rows in a file."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from alembic_neo4j.ingest.download import obtain
from alembic_neo4j.ingest.rules import Rules
from alembic_neo4j.ingest.validation import OnError, Policy, open_checked

from .checking import GOOD, PEOPLE, checked, refused, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def refuse_into(path: Path, target: Path, **options: Any) -> None:
    checked(path, reject_file=target, **options)


def test_refused_rows_as_csv(path: Path) -> None:
    write(path, GOOD, '2,"a, b",x,c', "3,Bob", '4,"é\udcff",1,a')
    target = path.with_name("refused.csv")

    refuse_into(path, target)

    with target.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "row": "2",
        "line": "3",
        "column": "name",
        "rule": "pattern",
        "reason": "name: expected what matches [A-Z], found 'a, b'; "
        "age: expected INTEGER, found 'x'; kind: expected one of 'a, b', found 'c'",
        "id": "2",
        "name": "a, b",
        "age": "x",
        "kind": "c",
        "unread": "",
    }
    assert [row["rule"] for row in rows] == ["pattern", "cells", "encoding"]
    assert json.loads(rows[1]["unread"]) == ["3", "Bob"]
    assert "\\udcff" in rows[2]["unread"]


def test_refused_rows_as_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text('{"id": NaN, "d": {"x": [1, Infinity]}}\n[1]\n{"id": 1}\n')
    target = tmp_path / "refused.jsonl"

    refuse_into(path, target)

    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [(row["row"], row["rule"]) for row in rows] == [(1, "type"), (2, "json")]
    assert rows[0]["values"] == {"id": "nan", "d": {"x": [1, "inf"]}}
    assert rows[1]["unread"] == "[1]"


def test_refused_rows_that_are_mended_can_be_read_again(path: Path) -> None:
    write(path, GOOD, "2,bob,5,a")
    target = path.with_name("refused.csv")
    refuse_into(path, target)
    target.write_text(target.read_text().replace(",bob,5", ",Bob,5"))

    rules = Rules(PEOPLE.properties, unknown="ignore")
    with open_checked(obtain(target), rules) as rows:
        assert [p for _, p in rows] == [{"id": 2, "name": "Bob", "age": 5, "kind": "a"}]


def test_a_heading_alone_where_nothing_is_refused(path: Path) -> None:
    target = path.with_name("refused.csv")
    target.write_text("old")

    refuse_into(write(path, GOOD), target)

    assert target.read_text().splitlines() == [
        "row,line,column,rule,reason,id,name,age,kind,unread"
    ]


def test_what_was_refused_before_an_error_is_kept(path: Path) -> None:
    write(path, "x,Bob,1,a", "y,Bob,1,a")
    target = path.with_name("refused.csv")

    assert refused(path, policy=Policy(OnError.FAIL), reject_file=target)

    assert len(target.read_text().splitlines()) == 2


def test_nothing_appears_when_it_is_broken_off(path: Path) -> None:
    write(path, "x,Bob,1,a", GOOD)
    target = path.with_name("refused.csv")

    def stop() -> None:
        policy = Policy(OnError.SKIP)
        file = obtain(path)
        with open_checked(file, PEOPLE, policy=policy, reject_file=target) as rows:
            for _ in rows:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert sorted(path.parent.iterdir()) == [path]


def test_where_refused_rows_can_not_go(path: Path, tmp_path: Path) -> None:
    write(path, GOOD)

    assert ".csv or .jsonl" in refused(path, reject_file=tmp_path / "refused.txt")
    assert "than people.csv itself" in refused(path, reject_file=path)
    os.link(path, tmp_path / "same.csv")
    assert "itself" in refused(path, reject_file=tmp_path / "same.csv")
    nowhere = tmp_path / "nowhere" / "refused.csv"
    assert "can't be written" in refused(path, reject_file=nowhere)


def test_columns_named_like_ours_keep_apart(path: Path) -> None:
    write(path, "1,x", heading="row,id")
    target = path.with_name("refused.csv")

    refuse_into(path, target, policy=Policy(OnError.COLLECT))

    heading = "row,line,column,rule,reason,row_,id,unread"
    assert target.read_text().splitlines() == [
        heading,
        "1,2,id,type," + "\"id: expected INTEGER, found 'x'\",1,x,",
    ]
