"""What each verb writes; of those that are audited the trail is told by their words."""

from __future__ import annotations

AUDITED = {
    "archive purge",
    "archive restore",
    "backup restore",
    "import-crochet",
    "ingest cache clear",
    "ingest load",
    "ingest rollback",
    "ledger backup restore",
    "ledger import",
    "ledger note",
    "ledger resolve",
    "ledger sync",
    "local wipe",
    "repair",
    "reset",
    "run",
    "transfer",
    "unlock",
    "upgrade",
}
"""The verbs that change a graph or a ledger, or remove what can't be had again."""

TOLD_AS_UPGRADE = {"ensure"}
"""Those that have Alembic's verb do what is audited."""

WRITE_FILES = {
    "audit export",
    "backup create",
    "backup prune",
    "backup schedule",
    "create-node",
    "create-relationship",
    "health",
    "ingest validate",
    "init",
    "ledger backup create",
    "ledger export",
    "local start",
    "local stop",
}
"""Those that write files of a project, or start and stop its server, and no more."""

READ = {
    "archive list",
    "audit list",
    "audit verify",
    "backup list",
    "backup show",
    "backup verify",
    "history",
    "ingest cache list",
    "ingest cache verify",
    "ingest list",
    "ingest show",
    "ledger backup list",
    "ledger backup verify",
    "ledger conflicts",
    "ledger list",
    "ledger search",
    "ledger show",
    "local list",
    "local logs",
    "local status",
    "plan",
    "schema diff",
    "schema dump",
    "schema hash",
    "status",
    "verify",
}
"""Those that write nothing at all."""
