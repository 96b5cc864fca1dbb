"""Whose a version table is: one that another project's Alembic writes is left alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, String, column, inspect, select, table

from alembic_neo4j.errors import LedgerError
from alembic_neo4j.ledger.engine import damaged, shown_url
from alembic_neo4j.ledger.store import Ledger
from alembic_neo4j.ledger.tables import revisions


def check_ownership(
    connection: Connection, version_table: str, schema: str | None = None
) -> None:
    """Raise LedgerError where the version table has rows that are not of a graph.

    A ledger has its identity before it has a revision: rows without one are those of
    somebody else, such as an SQL project that shares the database.
    """
    # Rows first: whoever makes this ledger at the moment commits its identity first.
    rows = version_rows(connection, version_table, schema)
    if not rows:
        return
    ledger = Ledger(connection, version_table)
    if ledger.exists() and ledger.identity is not None:
        return
    url = shown_url(connection.engine.url)
    raise LedgerError(
        f"the version table {version_table} of {url} is not this graph's: it is at "
        f"{', '.join(rows)}, and alembic_neo4j has recorded nothing beside it. It is "
        "that of another project which Alembic migrates, and is left as it is; nothing "
        "has been written. Give the graph a version table of its own, such as "
        "`version_table = graph_version` in the configuration file, or another "
        "database for the ledger. See the how-to guide on a shared database"
    )


def check_recorded(
    connection: Connection, version_table: str, heads: Sequence[str]
) -> None:
    """Raise LedgerError where a head was never recorded as applied, or none is there.

    A revision's record is committed together with its row in the version table.
    """
    ledger = Ledger(connection, version_table)
    if not heads:
        # Read again where another command has begun to apply since.
        if ledger.exists() and ledger.applied():
            connection.rollback()
            if not version_rows(connection, version_table) and ledger.applied():
                raise damaged(
                    connection.engine.url,
                    f"the version table {version_table} has no rows, and revisions are "
                    "recorded as applied",
                )
        return
    unknown = _unrecorded(connection, version_table, heads)
    if unknown:
        # Another command may have committed between the two readings.
        connection.rollback()
        now = version_rows(connection, version_table)
        unknown = _unrecorded(connection, version_table, now)
    if unknown:
        url = shown_url(connection.engine.url)
        raise LedgerError(
            f"the version table {version_table} of {url} is at {', '.join(unknown)}, "
            "which was never recorded as applied to the graph: another program wrote "
            "to it, or it is damaged. Nothing has been written. Where an SQL project "
            "uses it, too, give the graph one of its own, such as `version_table = "
            "graph_version` in the configuration file; else restore the ledger from a "
            "backup. See `alembic-neo4j verify`"
        )


def _unrecorded(
    connection: Connection, version_table: str, heads: Sequence[str]
) -> list[str]:
    query = select(revisions.c.revision).where(
        revisions.c.version_table == version_table, revisions.c.revision.in_(heads)
    )
    return sorted(set(heads) - set(connection.execute(query).scalars()))


def version_rows(
    connection: Connection, version_table: str, schema: str | None = None
) -> list[str]:
    """Return what a version table has, nothing where there is no such table."""
    if not inspect(connection).has_table(version_table, schema=schema):
        return []
    number = column("version_num", String)
    versions = table(version_table, number, schema=schema)
    return sorted(connection.execute(select(number).select_from(versions)).scalars())
