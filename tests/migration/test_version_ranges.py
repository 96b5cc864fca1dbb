"""Revisions for some versions of an application, and whether they run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alembic_neo4j.graph.connection import Graph
from tests.crash.project import open_runs
from tests.migration.project import Project

CHECK = "def check_applicable():\n    return {}"


def labels(graph: Graph) -> list[str]:
    rows = graph.read(
        "MATCH (n:One|Two|Three) RETURN labels(n)[0] AS label ORDER BY label"
    )
    return [row["label"] for row in rows]


def states(project: Project) -> dict[str, tuple[str, str]]:
    shown = json.loads(project.verb("history", "--format", "json").out)["entries"]
    return {
        entry["subject"]: (
            entry["state"],
            (entry["applied"]["result"] or {}).get("message", ""),
        )
        for entry in shown
    }


def plan_of(project: Project, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        project.verb("plan", "--format", "json", *arguments).out
    )
    return found


@pytest.fixture
def ranged(live: Project, neo4j_graph: Graph) -> Project:
    """One for 2.0 on, one that builds on it, one that ended with 1.5."""
    live.revision(
        "r1",
        # In the way of a run that comes to it.
        "op.run_cypher('CREATE (:One)')\nop.remove_file('not-there.txt')",
        "raise NotImplementedError('it is gone')",
        from_version="2.0",
        rollback_safe=False,
    )
    live.revision("r2", "op.run_cypher('CREATE (:Two)')", down="r1")
    live.revision(
        "r3",
        "op.run_cypher('CREATE (:Three)')",
        "op.run_cypher('MATCH (n:Three) DELETE n')",
        down="r2",
        from_version="1.0",
        to_version="1.5",
    )
    return live


# Whether it runs --------------------------------------------------------------------


def test_what_is_out_of_its_range_is_passed_over_and_goes_back(
    ranged: Project, neo4j_graph: Graph
) -> None:
    ranged.set("neo4j.app_version", "1.5")
    found = plan_of(ranged, "head")
    assert [one["passed_over"] for one in found["revisions"]] == [
        "neo4j.app_version 1.5 is before from_version 2.0",
        None,
        "neo4j.app_version 1.5 is not before to_version 1.5",
    ]
    assert [one["versions"] for one in found["revisions"]] == [
        *("from 2.0", None, "from 1.0 before 1.5"),
    ]
    assert [len(one["units"]) for one in found["revisions"]] == [0, 1, 0]
    # What a revision that does not run would stumble over is in nobody's way.
    assert (found["refusals"], found["obstacles"]) == ([], [])
    shown = ranged.verb("plan").out
    assert "it is passed over: neo4j.app_version 1.5 is before" in shown

    script = ranged.done("upgrade", "head", "--sql")
    assert "// passed over: neo4j.app_version 1.5 is before from_version 2.0" in script
    assert "CREATE (:Two)" in script
    assert "CREATE (:One)" not in script

    ranged.done("upgrade", "head")

    assert labels(neo4j_graph) == ["Two"]
    assert ranged.heads() == ["r3"]
    assert states(ranged) == {
        "r1": (
            "skipped",
            "passed over: neo4j.app_version 1.5 is before from_version 2.0",
        ),
        "r2": ("done", ""),
        "r3": (
            "skipped",
            "passed over: neo4j.app_version 1.5 is not before to_version 1.5",
        ),
    }
    assert "passed over: neo4j.app_version 1.5" in ranged.verb("history").out
    said = ranged.failed("downgrade", "r3:r2", "--sql")
    assert "r3_.py) has a range of versions, so that its upgrade may have been" in said
    # Another version of the application does not make up for it.
    ranged.set("neo4j.app_version", "2.0")
    assert plan_of(ranged, "head")["revisions"] == []

    # What has not run needs no way back.
    neo4j_graph.transaction([("CREATE (:Three {of: 'somebody else'})", {})])
    back = plan_of(ranged, "--down", "base")
    assert [one["passed_over"] for one in back["revisions"]] == [
        *("its upgrade was passed over", None, "its upgrade was passed over"),
    ]
    ranged.done("downgrade", "base")
    assert ranged.heads() == []
    assert labels(neo4j_graph) == ["Three", "Two"]


def test_the_version_is_given_like_every_key(
    ranged: Project, neo4j_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranged.set("neo4j.app_version", "1.0")
    (ranged.path / "not-there.txt").write_text("now it is")
    monkeypatch.setenv("ALEMBIC_NEO4J_APP_VERSION", "1.4")
    assert [one["passed_over"] for one in plan_of(ranged)["revisions"]][1:] == [
        *(None, None),
    ]
    # A release candidate comes before its release.
    ranged.done("-x", "neo4j.app_version=2.0rc1", "upgrade", "r1")
    assert labels(neo4j_graph) == []
    ranged.done("-x", "neo4j.app_version=2.0.1", "downgrade", "base")
    ranged.done("-x", "neo4j.app_version=2.0.1", "upgrade", "r1")
    assert labels(neo4j_graph) == ["One"]
    monkeypatch.setenv("ALEMBIC_NEO4J_APP_VERSION", "one")
    said = ranged.failed("upgrade", "head")
    assert "ALEMBIC_NEO4J_APP_VERSION = one: expected a version such as 1.7.0" in said


def test_without_a_version_no_range_is_asked_which_is_told_once(
    ranged: Project, neo4j_graph: Graph
) -> None:
    (ranged.path / "not-there.txt").write_text("now it is")
    shown = ranged.verb("plan").out
    assert "it is for neo4j.app_version from 2.0, which is not asked" in shown
    outcome = ranged.run("upgrade", "head")
    assert outcome.err.count("neo4j.app_version is not set") == 1
    assert "the ranges of versions of r1, r3 are not asked" in outcome.err
    assert labels(neo4j_graph) == ["One", "Three", "Two"]


def test_a_revision_that_was_begun_is_not_asked_again(
    live: Project, neo4j_graph: Graph
) -> None:
    switch = live.path / "fail"
    switch.touch()
    live.revision(
        "r1",
        "op.run_cypher('CREATE (:One)')\n"
        f"op.run_cypher('CREATE (:Two {{p: 1 / $by}})', {{'by': by({str(switch)!r})}})",
        header="from pathlib import Path\n"
        "def by(path):\n    return 0 if Path(path).exists() else 1\n"
        + CHECK.format(True),
        from_version="1.0",
    )
    live.revision(
        "r2", "op.run_cypher('CREATE (:Three)')", down="r1", from_version="1.0"
    )
    assert "/ by zero" in live.failed("-x", "neo4j.app_version=1.5", "upgrade", "head")
    switch.unlink()

    found = plan_of(live, "head")
    assert [one["asks"] for one in found["revisions"]] == [False, False]
    # What the first one has begun is finished; the second one is asked in its turn.
    live.done("-x", "neo4j.app_version=0.5", "upgrade", "head")
    assert labels(neo4j_graph) == ["One", "Two"]
    assert [states(live)[name][0] for name in ("r1", "r2")] == ["done", "skipped"]
    assert open_runs(live) == 0


@pytest.mark.parametrize(
    ("names", "upgrade", "said"),
    [
        ({"from_version": "X.Y.Z"}, "", "from_version = 'X.Y.Z': expected None or a"),
        ({"to_version": 2}, "", "to_version = 2: expected None or a version such as"),
        (
            {"from_version": "2.0", "to_version": "1.9"},
            *("", "from_version = '2.0' is not before to_version = '1.9'"),
        ),
        ({"priority": "high"}, "", "priority = 'high': expected a whole number"),
        ({"priority": True}, "", "priority = True: expected a whole number"),
        (
            {"from_version": "1.0"},
            *("op.add_index('A', 'p')", "a range of versions (from 1.0) and changes"),
        ),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(
    live: Project, names: dict[str, Any], upgrade: str, said: str
) -> None:
    live.revision("r0", "op.run_cypher('CREATE (:One)')")
    live.revision("r1", upgrade, down="r0", **names)
    assert said in live.failed("upgrade", "head")
    assert not live.ledger.exists()


def test_a_new_revision_has_what_is_asked_for(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    options = ("from_version=1.7.0", "to_version=2", "priority=900", "type=cleanup")
    asked = [part for option in options for part in ("-x", option)]
    project.done(*asked, "revision", "-m", "v1.7.0 bash hooks", "--rev-id", "r1")
    (path,) = project.versions.glob("r1_*.py")
    lines = path.read_text().splitlines()
    at = lines.index('migration_type: str = "cleanup"')
    assert lines[at + 1 : at + 5] == [
        'from_version: str | None = "1.7.0"',
        'to_version: str | None = "2"',
        "priority: int = 900",
        "",
    ]
    project.set("file_template", "%%(slug)s")
    project.done("-x", "from_version=1.7.0", "revision", "-m", "v1.7.0 bash hooks")
    (named,) = project.versions.glob("v1_7_0_bash_hooks.py")
    assert "down_revision: str | Sequence[str] | None = 'r1'" in named.read_text()
    outcome = project.run("-x", "from_version=one", "revision", "-m", "two")
    assert outcome.status != 0
    assert "-x from_version=one: expected a version such as 1.7.0" in caplog.text
    assert len(list(project.versions.glob("*.py"))) == 2


# What is known of one that asks -----------------------------------------------------


def test_what_is_in_the_way_of_one_that_asks_is_so_only_if_it_applies(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE (:P {a: 'one'})", {})])
    live.revision(
        "r1",
        "op.run_cypher('CREATE (:One)')\n"
        "op.convert_node_property('P', 'a', 'date(value)')\n"
        "op.move_file('gone.json', 'new.json')",
        header=CHECK.format(False),
    )
    found = plan_of(live)
    (revision,) = found["revisions"]
    assert (revision["asks"], revision["passed_over"]) == (True, None)
    assert [one["conditional"] for one in found["obstacles"]] == [True]
    assert found["refusals"] == []
    shown = live.verb("plan").out
    assert "check_applicable() is asked in its turn; if it applies:" in shown
    assert "in the way of r1, if it applies: expected: " in shown
    assert shown.splitlines()[-1].startswith("1 revision")
    assert "in the way" not in shown.splitlines()[-1]
    assert "Warning: in the way of it if it applies: revision r1" in shown

    outcome = live.run("upgrade", "head")

    assert outcome.status == 0, outcome.text
    assert "in the way of r1, if it applies:" in outcome.err
    assert "gone.json: expected a file, found nothing" in outcome.err
    assert states(live) == {
        "r1": (
            "skipped",
            "passed over: check_applicable() says that it is not applicable",
        )
    }
    assert labels(neo4j_graph) == []


def test_where_it_applies_the_check_stands_in_its_place(
    live: Project, neo4j_graph: Graph
) -> None:
    neo4j_graph.transaction([("CREATE (:P {a: 'one'})", {})])
    live.revision(
        "r1",
        "op.convert_node_property('P', 'a', 'date(value)')",
        header=CHECK.format(True),
    )
    assert "r1" in live.failed("upgrade", "head")
    assert neo4j_graph.read("MATCH (p:P) RETURN p.a AS a") == [{"a": "one"}]
    assert open_runs(live) == 0


def test_what_one_that_asks_leaves_can_not_be_told(
    live: Project, neo4j_graph: Graph
) -> None:
    # Were it taken to run, every P would be a Q, and two of these are alike.
    neo4j_graph.transaction([("CREATE (:P {a: 1}), (:P {a: 1})", {})])
    live.revision(
        "r1",
        "op.add_label('P', 'Q')",
        header=CHECK.format(False),
    )
    live.revision("r2", "op.add_unique_constraint('Q', 'a')", down="r1")
    found = plan_of(live)
    assert found["obstacles"] == []
    assert {one["revision"] for one in found["not_known"]} == {"r2"}
    assert {one["before"]["revision"] for one in found["not_known"]} == {"r1"}
    live.done("upgrade", "head")
    assert live.heads() == ["r2"]
