"""An example or two of each verb, for its help and for the reference."""

from __future__ import annotations

from collections.abc import Mapping

_VERB = "alembic-neo4j"

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": (
        f"{_VERB} init",
        "alembic -c neo4j.ini revision --autogenerate -m people",
        "alembic -c neo4j.ini upgrade head",
        f"{_VERB} -c neo4j.ini status",
    ),
    "archive list": (f"{_VERB} archive list",),
    "archive purge": (f"{_VERB} archive purge 1f3a5c7e9b0d born --yes",),
    "archive restore": (
        f"{_VERB} archive restore 1f3a5c7e9b0d born --on-conflict keep --yes",
    ),
    "audit export": (f"{_VERB} audit export --output audit.jsonl",),
    "audit list": (
        f"{_VERB} audit list --limit 20",
        f"{_VERB} audit list --actor alice --result PARTIAL",
    ),
    "audit verify": (
        f"{_VERB} audit verify",
        f"{_VERB} audit verify --file audit.jsonl",
    ),
    "backup create": (f"{_VERB} backup create --directory /mnt/backups",),
    "backup list": (f"{_VERB} backup list",),
    "backup prune": (f"{_VERB} backup prune --retention-days 30 --keep 7",),
    "backup restore": (
        f"{_VERB} backup restore 20261127T1057 --to local",
        f"{_VERB} backup restore 20261127T1057 --to bolt://test:7687 "
        "--password-file test.txt",
    ),
    "backup schedule": (
        f"{_VERB} backup schedule --cron '0 2 * * *' --retention-days 30 --keep 7",
        f"{_VERB} backup schedule --once",
    ),
    "backup show": (f"{_VERB} backup show 20261127T1057 --format json",),
    "backup verify": (f"{_VERB} backup verify", f"{_VERB} backup verify 20261127T1057"),
    "create-node": (f"{_VERB} create-node Person",),
    "create-relationship": (
        f"{_VERB} create-relationship WorksIn --source-label Person "
        "--target-label City",
    ),
    "ensure": (f"{_VERB} -c neo4j.ini ensure --wait 120",),
    "health": (
        f"{_VERB} health --format json",
        f"{_VERB} health --detailed --listen 127.0.0.1:9464",
    ),
    "history": (
        f"{_VERB} history --limit 20",
        f"{_VERB} history --state failed --format json",
    ),
    "import-crochet": (f"{_VERB} import-crochet ../shop",),
    "ingest cache clear": (f"{_VERB} ingest cache clear 9f86d081",),
    "ingest cache list": (f"{_VERB} ingest cache list",),
    "ingest cache verify": (f"{_VERB} ingest cache verify",),
    "ingest list": (f"{_VERB} ingest list --format json",),
    "ingest load": (
        f"{_VERB} ingest load people.csv --label Person --merge-key name",
        f"{_VERB} ingest load knows.csv --relationship-type KNOWS "
        "--source-label Person --source-key name "
        "--target-label Person --target-key name",
    ),
    "ingest rollback": (f"{_VERB} ingest rollback people-2026-11 --yes",),
    "ingest show": (f"{_VERB} ingest show people-2026-11",),
    "ingest validate": (
        f"{_VERB} ingest validate people.csv --label Person --reject-file bad.csv",
    ),
    "init": (f"{_VERB} init", f"{_VERB} -c graph.ini init graph"),
    "ledger backup create": (f"{_VERB} ledger backup create --directory /mnt/backups",),
    "ledger backup list": (f"{_VERB} ledger backup list",),
    "ledger backup restore": (
        f"{_VERB} ledger backup restore "
        "neo4j_ledger.db.backups/neo4j_ledger-20261127T091500.000000Z.db --force",
    ),
    "ledger backup verify": (f"{_VERB} ledger backup verify",),
    "ledger conflicts": (f"{_VERB} ledger conflicts",),
    "ledger export": (
        f"{_VERB} ledger export notes.age --identity key.txt",
        f"{_VERB} ledger export s3://team/notes.age --passphrase-file secret.txt",
    ),
    "ledger import": (f"{_VERB} ledger import notes.age --identity key.txt",),
    "ledger list": (
        f"{_VERB} ledger list --type revision --status planned",
        f"{_VERB} ledger list --limit 20 --offset 20 --format json",
    ),
    "ledger note": (
        f"{_VERB} ledger note 'asked for by the archive' --about revision-1f3a5c7e9b0d",
    ),
    "ledger resolve": (
        f"{_VERB} ledger resolve note-why --take 2",
        f'{_VERB} ledger resolve note-why --data \'{{"text": "both"}}\'',
    ),
    "ledger search": (
        f"{_VERB} ledger search 'person ind*' --type revision --facet status",
        f"{_VERB} ledger search people --filter data.labels=Person --facet data.state",
    ),
    "ledger show": (f"{_VERB} ledger show revision-1f3a5c7e9b0d",),
    "ledger sync": (
        f"{_VERB} ledger sync ../other/neo4j_ledger.db --resolver defer",
        f"{_VERB} ledger sync https://dav.example.org/team/ --resolver merge-fields",
    ),
    "local list": (f"{_VERB} local list",),
    "local logs": (f"{_VERB} local logs --lines 100 --follow",),
    "local start": (f"{_VERB} local start --neo4j-version 2026.08.1",),
    "local status": (f"{_VERB} local status --format json",),
    "local stop": (f"{_VERB} local stop",),
    "local wipe": (f"{_VERB} local wipe --yes",),
    "plan": (
        f"{_VERB} plan",
        f"{_VERB} plan --down base --no-counts",
        f"{_VERB} plan --type data",
    ),
    "repair": (f"{_VERB} repair --dry-run", f"{_VERB} repair --yes"),
    "reset": (f"{_VERB} reset", f"{_VERB} reset --yes --format json"),
    "run": (f"{_VERB} run schema.cypher --parameter since=2020 --dry-run",),
    "schema diff": (f"{_VERB} schema diff", f"{_VERB} schema diff 1f3a:head"),
    "schema dump": (f"{_VERB} schema dump models",),
    "schema hash": (f"{_VERB} schema hash head",),
    "status": (f"{_VERB} status", f"{_VERB} -n reports status --format json"),
    "transfer": (
        f"{_VERB} transfer --source graphs.db --list",
        f"{_VERB} transfer --source graphs.db --all --dry-run",
        f"{_VERB} transfer --source graphs.db --all",
    ),
    "unlock": (f"{_VERB} unlock",),
    "upgrade": (
        f"{_VERB} upgrade --type data",
        f"{_VERB} upgrade --dry-run",
    ),
    "verify": (f"{_VERB} verify --full",),
}
