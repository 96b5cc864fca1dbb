"""The entry point that tells Alembic of our autogenerate comparator.

Alembic imports this module while `alembic.autogenerate` is half imported: nothing of
ours may be imported before the comparator is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext
    from alembic.operations.ops import UpgradeOps
    from alembic.runtime.plugins import Plugin
    from alembic.util import PriorityDispatchResult


def setup(plugin: Plugin) -> None:
    """Register the comparator; ``autogenerate_plugins`` of env.py enables it."""
    plugin.add_autogenerate_comparator(_compare, "autogenerate")


def _compare(
    autogen_context: AutogenContext, upgrade_ops: UpgradeOps
) -> PriorityDispatchResult:
    from alembic_neo4j.migration.compare import compare_schema

    return compare_schema(autogen_context, upgrade_ops)
