"""What Alembic and SQL projects take of us without loading anything of a graph.

Alembic imports this module by its entry point while `alembic.autogenerate` is half
imported: nothing of ours may be imported before the comparator is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext
    from alembic.operations.ops import UpgradeOps
    from alembic.runtime.plugins import Plugin
    from alembic.util import PriorityDispatchResult


def setup(plugin: Plugin) -> None:
    """Register the comparator; ``autogenerate_plugins`` of env.py enables it."""
    plugin.add_autogenerate_comparator(_compare, "autogenerate")


def include_object(
    object: Any, name: str | None, type_: str, reflected: bool, compare_to: Any
) -> bool:
    """Tell whether an object of an SQL database is the SQL project's own.

    It is for ``context.configure(include_object=…)`` in the env.py of an SQL project
    whose database has the ledger of a graph, too: that has the tables whose names begin
    with ``alembic_neo4j_``, and a version table. What the models of the project have is
    always its own.
    """
    if type_ != "table" or not reflected or compare_to is not None:
        return True
    # No model has a table of this form, which Alembic makes for whoever uses it.
    is_version_table = [column.name for column in object.columns] == ["version_num"]
    return not (is_version_table or str(name).startswith("alembic_neo4j_"))


def _compare(
    autogen_context: AutogenContext, upgrade_ops: UpgradeOps
) -> PriorityDispatchResult:
    from alembic_neo4j.migration.compare import compare_schema

    return compare_schema(autogen_context, upgrade_ops)
