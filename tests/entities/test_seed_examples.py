"""The examples of the seed, word for word but for the package's name."""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path
from typing import Any

import platformdirs
import pytest
import trustme
from urllib3.util import connection

from alembic_neo4j.errors import StoreError
from tests.entities.bundle_server import BundleServer

QUICK_START = """
from alembic_neo4j.entities import Entity, EntityRepository

# Initialize (creates ~/.chora/chora.db)
repo = EntityRepository()

# Create an entity
feature = Entity(
    id="feature-my-first-feature",
    type="feature",
    status="planned",
    data={"name": "My First Feature", "description": "Testing chora"}
)
repo.create(feature)

print(f"Created: {feature.id}")
"""

CRUD_OPERATIONS = """
from alembic_neo4j.entities import Entity, EntityRepository

repo = EntityRepository()  # Default: ~/.chora/chora.db
repo = EntityRepository("./my-project.db")  # Custom path

# Create
entity = Entity(
    id="task-write-docs",
    type="task",
    status="planned",
    data={"name": "Write documentation"}
)
created = repo.create(entity)  # Returns entity with version=1

# Read
entity = repo.read("task-write-docs")  # Returns Entity or None

# Update (creates new version)
updated = entity.copy(status="in_progress")
saved = repo.update(updated)  # Returns entity with version=2

# Delete
repo.delete("task-write-docs")  # Returns True if existed
"""

QUERYING = """
# List all entities
all_entities = repo.list()

# Filter by type
features = repo.list(entity_type="feature")

# Filter by status
active = repo.list(status="in_progress")

# Combine filters
planned_features = repo.list(entity_type="feature", status="planned")

# Pagination
page1 = repo.list(limit=10, offset=0)
page2 = repo.list(limit=10, offset=10)

# Full-text search
results = repo.search("documentation")
"""

ENTITY_MODEL = """
from alembic_neo4j.entities import Entity

entity = Entity(
    id="feature-user-auth",      # Required: type-slug format
    type="feature",              # Required: entity type
    status="planned",            # Required: see valid statuses below
    data={"name": "User Auth"}   # Optional: your custom data
)

# Auto-populated fields
entity.version      # 0 (incremented on save)
entity.created_at   # datetime
entity.updated_at   # datetime

# Entities are immutable - use copy() to modify
updated = entity.copy(
    status="in_progress",
    data={**entity.data, "started": "2025-01-15"}
)
"""

VALID_STATUSES = """
planned, proposed, published, complete, completed, paused,
in_progress, draft, abandoned, propagated, open, mitigated,
blocked, adopted, active, deprecated, documented
"""

OBSERVER_PATTERN = """
from alembic_neo4j.entities import EntityObserver

observer = EntityObserver()

@observer.on_create
def handle_create(entity):
    print(f"Created: {entity.id}")

@observer.on_update
def handle_update(old, new):
    print(f"Updated: {new.id} (v{old.version} -> v{new.version})")

@observer.on_delete
def handle_delete(entity):
    print(f"Deleted: {entity.id}")

# Connect to repository
repo.add_observer(observer)
"""

SYNC = """
from alembic_neo4j.entities import SyncableRepository

# Requires: pip install alembic-neo4j[sync]
repo = SyncableRepository(
    EntityRepository("./local.db"),
    site_id="my-laptop"
)

# Sync with another database
repo.sync_with(other_repo)
"""

CONFLICT_RESOLUTION = """
from alembic_neo4j.entities.conflict import LastWriteWinsResolver

repo = SyncableRepository(
    EntityRepository("./local.db"),
    site_id="my-laptop",
    conflict_resolver=LastWriteWinsResolver()
)
"""

CLOUD_SYNC = """
from alembic_neo4j.entities import create_sync_client, SyncConfig

# Requires: pip install alembic-neo4j[cloud]
config = SyncConfig(
    server_url="https://chora-cloud.workers.dev",
    email="you@example.com",
    password="your-password"
)

client = create_sync_client(config)
client.sync(repo)  # Push/pull encrypted changes
"""

ADVANCED_SEARCH = """
from alembic_neo4j.entities import EntitySearch

search = EntitySearch(repo)

results = search.search(
    query="auth",
    filters={"type": "feature", "status": "in_progress"},
    facets=["type", "status"]
)

for entity in results.entities:
    print(entity.id)

for facet, counts in results.facets.items():
    print(f"{facet}: {counts}")
"""

BACKUPS = """
from alembic_neo4j.entities import backup

# Create backup
backup_path = backup.create_backup(repo.db_path, "./backups")

# List backups
for b in backup.list_backups("./backups"):
    print(f"{b.timestamp}: {b.path}")

# Restore
backup.restore_backup(backup_path, "./restored.db")
"""

Names = dict[str, object]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's directory, and one to work in, which are new."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home" / "data"))
    return tmp_path


def run(example: str, names: Names | None = None) -> Names:
    names = {} if names is None else names
    exec(example, names)
    return names


def test_quick_start(capsys: pytest.CaptureFixture[str]) -> None:
    names = run(QUICK_START)

    assert capsys.readouterr().out == "Created: feature-my-first-feature\n"
    path = platformdirs.user_data_path("alembic-neo4j") / "entities.db"
    assert names["repo"].db_path == path  # type: ignore[attr-defined]
    assert path.is_file()
    run(
        "again = EntityRepository().read('feature-my-first-feature')\n"
        "assert again == feature.copy(version=1)",
        names,
    )


def test_crud_operations(home: Path) -> None:
    names = run(CRUD_OPERATIONS)

    assert (home / "my-project.db").is_file()
    run(
        """
assert created.version == 1
assert saved.version == 2 and saved.status == "in_progress"
assert repo.read("task-write-docs") is None
assert repo.delete("task-write-docs") is False
""",
        names,
    )


def test_querying() -> None:
    names = run(
        """
from alembic_neo4j.entities import Entity, EntityRepository
repo = EntityRepository()
for n in range(12):
    repo.create(Entity(f"feature-{n}", "feature", "planned", {"n": n}))
repo.create(Entity("task-docs", "task", "in_progress", {"name": "Documentation"}))
"""
    )
    run(QUERYING, names)
    run(
        """
assert len(all_entities) == 13
assert len(features) == len(planned_features) == 12
assert [e.id for e in active] == [e.id for e in results] == ["task-docs"]
assert page1 + page2 == all_entities and len(page1) == 10
""",
        names,
    )


def test_entity_model() -> None:
    run(
        """
from datetime import datetime
assert entity.version == 0
assert isinstance(entity.created_at, datetime)
assert isinstance(entity.updated_at, datetime)
assert entity.status == "planned" and entity.data == {"name": "User Auth"}
assert updated.data == {"name": "User Auth", "started": "2025-01-15"}
""",
        run(ENTITY_MODEL),
    )


def test_valid_statuses() -> None:
    names = run("from alembic_neo4j.entities import STATUSES")

    statuses = VALID_STATUSES.replace("\n", " ").strip().split(", ")
    assert names["STATUSES"] == tuple(" ".join(each.split()) for each in statuses)


def test_semantic_ids() -> None:
    run(
        """
import pytest
from alembic_neo4j.entities import Entity
from alembic_neo4j.errors import ValidationError
Entity(id="feature-voice-input", type="feature", status="open")
Entity(id="task-fix-login-bug", type="task", status="open")
Entity(id="pattern-factory-linter", type="pattern", status="open")
with pytest.raises(ValidationError):
    Entity(id="my-feature", type="feature", status="open")
"""
    )


def test_observer_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    names = run(
        "from alembic_neo4j.entities import Entity, EntityRepository\n"
        "repo = EntityRepository()\n"
    )
    run(OBSERVER_PATTERN, names)
    run(
        """
made = repo.create(Entity("task-a", "task", "open"))
repo.update(made.copy(status="paused"))
repo.delete("task-a")
""",
        names,
    )

    assert capsys.readouterr().out == (
        "Created: task-a\nUpdated: task-a (v1 -> v2)\nDeleted: task-a\n"
    )


def test_sync() -> None:
    names = run(
        """
from alembic_neo4j.entities import Entity, EntityRepository
other_repo = EntityRepository("./other.db")
other_repo.create(Entity("task-a", "task", "open"))
"""
    )
    run(SYNC, names)
    run(CONFLICT_RESOLUTION, names)
    run(
        """
import alembic_neo4j.entities.conflict as conflict
assert repo.site_id == "my-laptop"
assert repo.read("task-a") == other_repo.read("task-a")
created = repo.create(Entity("task-b", "task", "open"))
repo.sync_with(other_repo)
assert other_repo.list() == repo.list()
named = "LastWriteWins HigherVersionWins MergeFields Defer Callback".split()
assert all(hasattr(conflict, f"{name}Resolver") for name in named)
""",
        names,
    )


def test_cloud_sync(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Over TLS, with a server of that name on this machine."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("chora-cloud.workers.dev").configure_cert(context)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
    monkeypatch.setenv("NO_PROXY", "*")
    reached = connection.create_connection
    with BundleServer(context=context) as server:

        def here(address: tuple[str, int], *more: Any, **options: Any) -> Any:
            assert address == ("chora-cloud.workers.dev", 443)
            return reached(("127.0.0.1", server.port), *more, **options)

        monkeypatch.setattr(connection, "create_connection", here)
        setup = """
from alembic_neo4j.entities import Entity, EntityRepository, SyncableRepository
repo = SyncableRepository(EntityRepository("./local.db"), site_id="my-laptop")
repo.create(Entity("task-a", "task", "open"))
"""
        names = run(CLOUD_SYNC, run(setup))
        another = run(CLOUD_SYNC, run(setup.replace("local", "phone")))
        run("client.sync(repo)", names)
        run(
            """
assert sorted(e.version for e in repo.history("task-a")) == [1, 1]
assert client.sync(repo) == type(client.sync(repo))(received=0, sent=0)
""",
            another,
        )
        assert names["repo"].list() == another["repo"].list()
        assert [*server.files] == ["/entities.age"]
        # A server whose certificate is not trusted is sent nothing.
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        came = len(server.received)
        with pytest.raises(StoreError, match="certificate is not trusted"):
            run("client.sync(repo)", names)
        assert len(server.received) == came


def test_advanced_search(capsys: pytest.CaptureFixture[str]) -> None:
    names = run(
        """
from alembic_neo4j.entities import Entity, EntityRepository
repo = EntityRepository()
for id, status in (("user-auth", "in_progress"), ("auth-log", "planned")):
    repo.create(Entity(f"feature-{id}", "feature", status, {"name": "User Auth"}))
"""
    )
    run(ADVANCED_SEARCH, names)

    assert capsys.readouterr().out == (
        "feature-user-auth\ntype: {'feature': 1}\nstatus: {'in_progress': 1}\n"
    )


def test_backups(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = run(
        """
from alembic_neo4j.entities import Entity, EntityRepository
repo = EntityRepository()
repo.create(Entity("task-a", "task", "open"))
"""
    )
    run(BACKUPS, names)

    moment, _, path = capsys.readouterr().out.strip().rpartition(": ")
    assert datetime.fromisoformat(moment).tzinfo is not None
    assert (home / path).is_file()
    run(
        """
assert [e.id for e in EntityRepository("./restored.db").list()] == ["task-a"]
""",
        names,
    )
