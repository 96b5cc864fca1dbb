"""The tables of the ledger, as they are at the head of ``ledger/versions``."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, MetaData, String, Table

metadata = MetaData()

facts = Table(
    "alembic_neo4j_ledger",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("value", String(2000), nullable=False),
)
"""What the ledger knows of itself: its identity, the heads it stamped last."""

revisions = Table(
    "alembic_neo4j_revision",
    metadata,
    Column("version_table", String(128), primary_key=True),
    Column("revision", String(64), primary_key=True),
    Column("schema_hash", String(80), nullable=False),
    Column("file_hash", String(64), nullable=False),
    Column("applied_at", DateTime(timezone=True), nullable=False),
    Column("applied_by", String(255), nullable=False),
)
"""The applied revisions: the replayed schema's hash and the file's SHA-256."""
