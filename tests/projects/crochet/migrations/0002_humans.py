"""
humans

Revision: 0002_humans
Parent:   0001_first_people
Created:  2026-11-26T20:19:49.648704+00:00
Schema:   8a03f8c2de227bdbd2e75cbf08aed07886e73a14d1e0693064a97b7fd44adf93
"""

from crochet.migrations.operations import MigrationContext

# -- Migration metadata --------------------------------------------------

revision_id = "0002_humans"
parent_id = '0001_first_people'
schema_hash = "8a03f8c2de227bdbd2e75cbf08aed07886e73a14d1e0693064a97b7fd44adf93"
rollback_safe = True


def upgrade(ctx: MigrationContext) -> None:
    """Apply this migration."""
    ctx.add_node_property("Person", "country", "UK")
    ctx.add_index("Person", "country")
    ctx.run_cypher("MATCH (n:Person) SET n.seen = $seen", {"seen": True})


def downgrade(ctx: MigrationContext) -> None:
    """Revert this migration."""
    ctx.run_cypher("MATCH (n:Person) REMOVE n.seen")
    ctx.drop_index("Person", "country")
    ctx.remove_node_property("Person", "country")
