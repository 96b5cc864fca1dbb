"""What a file becomes is made once: kept from its check to its load, or made anew."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from alembic_neo4j.cypher.load_targets import Endpoint, NodeTarget, RelationshipTarget
from alembic_neo4j.cypher.loads import RowDigest
from alembic_neo4j.errors import IngestError
from alembic_neo4j.graph import stored_values
from alembic_neo4j.ingest import data_rows, validation
from alembic_neo4j.ingest.data_rows import DataFileSource, DataRows, KeptRows
from alembic_neo4j.ingest.progress import Progress
from alembic_neo4j.ingest.rules import PropertyRules, Rules
from alembic_neo4j.schema.definitions import Schema

BERLIN = ZoneInfo("Europe/Berlin")
VALUES: tuple[Any, ...] = (
    *(None, True, 1, 2**63 - 1, -0.0, 1.5, "", "Zoë", b"x", [], [1.5, 2.0]),
    *(date(2024, 1, 31), time(1, 2), timedelta(days=1, microseconds=1)),
    datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN),
    datetime(2024, 1, 31, tzinfo=timezone(timedelta(hours=1))),
    stored_values.moment(datetime(2024, 1, 31, tzinfo=BERLIN), 7),
    stored_values.moment(datetime(2024, 1, 31), 7),
    stored_values.time_of_day(time(1, tzinfo=timezone.utc), 7),
    stored_values.duration(1, 2, 3, 4),
    stored_values.point([12.5, 41.9], geographic=True),
    stored_values.point([1, 2, 3], geographic=False),
)


class Loading(NamedTuple):
    """The rows of a file, and how often one of them was converted."""

    rows: DataRows
    converted: list[int]


@pytest.fixture
def loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loading]:
    """3,000 rows, of which the last but one is refused."""
    path, count = tmp_path / "people.csv", 3_000
    lines = [f"{n},name {n},2024-01-31" for n in range(count)]
    lines[-2] = "x,nobody,2024-01-31"
    path.write_text("\n".join(["id,name,born", *lines]) + "\n")
    rules = Rules((PropertyRules("id", "INTEGER"), PropertyRules("born", "DATE")))
    policy = validation.Policy(validation.OnError.SKIP)
    source = DataFileSource(str(path), rules=rules, policy=policy)
    converted: list[int] = []
    convert = validation.Columns.convert

    def counted(self: Any, values: Any) -> Any:
        converted.append(1)
        return convert(self, values)

    monkeypatch.setattr(validation.Columns, "convert", counted)
    target = NodeTarget(("Person",), None)
    with DataRows(source.obtain(), source, target, Schema()) as rows:
        yield Loading(rows, converted)


def test_every_value_comes_back_as_it_was() -> None:
    rows = [
        dict(zip("abc", VALUES[at : at + 3], strict=False))
        for at in range(len(VALUES))
        for _ in range(200)
    ]
    kept = KeptRows()
    for row in rows:
        kept.add(row)

    found = list(kept)

    assert kept.is_whole
    assert kept.count == len(found) == len(rows)
    assert repr(found) == repr(rows)
    digests = [RowDigest(), RowDigest()]
    digests[0].update(rows)
    digests[1].update(found)
    assert digests[0].hexdigest() == digests[1].hexdigest()
    assert list(kept) == rows
    kept.close()


def test_each_row_is_converted_once(loading: Loading) -> None:
    report = loading.rows.check(keep=True)
    told: list[Progress] = []
    loading.rows.report = told.append

    found = [list(loading.rows), list(loading.rows)]

    assert len(loading.converted) == report.rows == 3_000
    assert found[0] == found[1]
    assert found[0][0] == {"id": 0, "name": "name 0", "born": date(2024, 1, 31)}
    assert len(found[0]) == report.rows - report.rejected == 2_999
    assert [progress.rows for progress in told[:6]] == [
        500 * n for n in range(1, 6)
    ] + [2_999]
    assert told[5].fraction == 1.0


def test_the_file_may_be_gone_once_it_was_checked(loading: Loading) -> None:
    loading.rows.check(keep=True)
    loading.rows.file.path.unlink()

    assert len(list(loading.rows)) == 2_999


def test_rows_that_are_not_kept_are_read_again(loading: Loading) -> None:
    loading.rows.check()

    assert len(list(loading.rows)) == 2_999
    assert len(loading.converted) == 6_000
    loading.rows.file.path.unlink()
    with pytest.raises(IngestError, match="can't be read"):
        list(loading.rows)


def test_a_full_disk_is_no_error(
    loading: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_rows, "_LOOKED_AFTER_PORTIONS", 1)
    monkeypatch.setattr(data_rows, "_FREE_BYTES", 1 << 62)

    loading.rows.check(keep=True)

    assert len(list(loading.rows)) == 2_999
    assert len(loading.converted) == 6_000


def test_a_directory_that_can_not_be_written_is_no_error(
    loading: Loading, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))

    loading.rows.check(keep=True)

    assert len(list(loading.rows)) == 2_999


def test_what_is_kept_goes_with_the_block(loading: Loading) -> None:
    before = open_files()
    with loading.rows as rows:
        rows.check(keep=True)
        assert open_files() > before

    assert open_files() == before


def test_ends_and_properties_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "knows.csv"
    path.write_text("source,target,since\nAda,Bob,2020\n")
    end = Endpoint("Person", ("name",))
    target = RelationshipTarget("KNOWS", end, end)
    source = DataFileSource(
        str(path), source_columns=("source",), target_columns=("target",)
    )
    with DataRows(source.obtain(), source, target, Schema()) as rows:
        rows.check(keep=True)

        assert list(rows) == [
            {
                "source": {"name": "Ada"},
                "target": {"name": "Bob"},
                "properties": {"since": "2020"},
            }
        ]


def test_large_files_do_not_go_where_memory_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    assert data_rows._directory() == "/var/tmp"

    monkeypatch.setenv("TMPDIR", "/tmp")
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert data_rows._directory() == "/tmp"


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))
