"""
first people

Revision: 0001_first_people
Parent:   None
Created:  2026-11-26T20:19:48.463067+00:00
Schema:   8a03f8c2de227bdbd2e75cbf08aed07886e73a14d1e0693064a97b7fd44adf93
"""

from crochet.migrations.operations import MigrationContext

# -- Migration metadata --------------------------------------------------

revision_id = "0001_first_people"
parent_id = None
schema_hash = "8a03f8c2de227bdbd2e75cbf08aed07886e73a14d1e0693064a97b7fd44adf93"
rollback_safe = True


def upgrade(ctx: MigrationContext) -> None:
    """Apply this migration."""
    ctx.add_unique_constraint("Person", "name")
    # The first of them.
    ctx.begin_batch("people-1")
    ctx.create_nodes("Person", [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Alan"}])


def downgrade(ctx: MigrationContext) -> None:
    """Revert this migration."""
    ctx.delete_nodes_by_batch("Person", "people-1")
    ctx.drop_unique_constraint("Person", "name")
