"""
homes

Revision: 0003_homes
Parent:   0002_humans
Created:  2026-11-26T20:19:50.624328+00:00
Schema:   8a03f8c2de227bdbd2e75cbf08aed07886e73a14d1e0693064a97b7fd44adf93
"""

from crochet.migrations.operations import MigrationContext

# -- Migration metadata --------------------------------------------------

revision_id = "0003_homes"
parent_id = '0002_humans'
schema_hash = "8a03f8c2de227bdbd2e75cbf08aed07886e73a14d1e0693064a97b7fd44adf93"
rollback_safe = True


def upgrade(ctx: MigrationContext) -> None:
    """Apply this migration."""
    ctx.rename_node_property("Person", "country", "nation")
    ctx.bulk_create_nodes("City", [{"id": 7, "name": "London"}], chunk_size=100)
    ctx.create_relationships(
        "Person", "City", "LIVES_IN", [{"source_id": 1, "target_id": 7}, {"source_id": 2, "target_id": 7, "properties": {"since": 1936}}]
    )
    ctx.upsert_nodes("City", [{"id": 7, "size": 9}], ["id"])


def downgrade(ctx: MigrationContext) -> None:
    """Revert this migration."""
    ctx.run_cypher("MATCH (:Person)-[r:LIVES_IN]->() DELETE r")
    ctx.run_cypher("MATCH (c:City) DELETE c")
    ctx.rename_node_property("Person", "nation", "country")
