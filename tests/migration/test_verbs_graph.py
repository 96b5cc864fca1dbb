"""The verbs that move the graph: upgrade, downgrade, stamp, and where it stands."""

from __future__ import annotations

import pytest

from alembic_neo4j.graph.connection import Graph
from alembic_neo4j.ledger.tables import VERSION_TABLE, metadata
from tests.migration.project import Project, graph_state, indexes, stamped


def _made(graph: Graph) -> set[str]:
    rows = graph.read("MATCH (n:Made) RETURN n.by AS by")
    return {row["by"] for row in rows}


def _makes(project: Project, revision: str, **names: object) -> None:
    down = names.pop("down", None)
    project.revision(
        revision,
        f"op.execute(\"CREATE (:Made {{by: '{revision}'}})\")",
        f"op.execute(\"MATCH (n:Made {{by: '{revision}'}}) DELETE n\")",
        down=down,
        **names,
    )


@pytest.fixture
def branched(live: Project) -> Project:
    """a1, a2 and b1, b2 from bases of their own; c1 depends on a1."""
    _makes(live, "a1", branch_labels=("alpha",))
    _makes(live, "a2", down="a1")
    _makes(live, "b1", branch_labels=("beta",))
    _makes(live, "b2", down="b1")
    _makes(live, "c1", branch_labels=("gamma",), depends_on="a1")
    return live


def test_the_installed_program_upgrades_and_downgrades(
    chain: Project, neo4j_graph: Graph
) -> None:
    done = chain.program("-c", "neo4j.ini", "upgrade", "head")
    assert done.status == 0, done.text
    assert done.out == ""
    assert done.err.count("Context impl Neo4jImpl.") == 1
    assert "SQLite" not in done.err
    assert "Running upgrade r1 -> r2, the message of r2" in done.err
    assert indexes(neo4j_graph) == {"i1", "i2", "i3"}
    assert chain.heads() == ["r3"]
    done = chain.program("-c", "neo4j.ini", "downgrade", "base")
    assert done.status == 0, done.text
    assert indexes(neo4j_graph) == set()
    assert chain.heads() == []
    assert stamped(neo4j_graph) == []


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("moves", "reached"),
    [
        (["upgrade +1"], "r1"),
        (["upgrade +2"], "r2"),
        (["upgrade r1+1"], "r2"),
        (["upgrade head-1"], "r2"),
        (["upgrade heads"], "r3"),
        (["upgrade r2", "upgrade +1"], "r3"),
        (["upgrade head", "downgrade -1"], "r2"),
        (["upgrade head", "downgrade -2"], "r1"),
        (["upgrade head", "downgrade r2"], "r2"),
        (["upgrade head", "downgrade head-2"], "r1"),
        (["upgrade head", "downgrade r3-1"], "r2"),
        (["upgrade head", "upgrade head"], "r3"),
    ],
)
def test_relative_targets(
    chain: Project, neo4j_graph: Graph, moves: list[str], reached: str
) -> None:
    for move in moves:
        chain.done(*move.split())
    assert chain.heads() == [reached]
    assert stamped(neo4j_graph) == [reached]
    number = int(reached[1])
    assert indexes(neo4j_graph) == {f"i{n}" for n in range(1, number + 1)}


def test_a_part_of_an_id_is_enough(live: Project) -> None:
    live.revision("abc123")
    live.done("upgrade", "abc")
    assert live.heads() == ["abc123"]


def test_branches_go_each_their_way(branched: Project, neo4j_graph: Graph) -> None:
    assert "Multiple head revisions" in branched.failed("upgrade", "head")
    branched.done("upgrade", "alpha@head")
    assert _made(neo4j_graph) == {"a1", "a2"}
    branched.done("upgrade", "beta@+1")
    assert branched.heads() == ["a2", "b1"]
    assert sorted(stamped(neo4j_graph) or []) == ["a2", "b1"]
    branched.done("upgrade", "heads")
    assert _made(neo4j_graph) == {"a1", "a2", "b1", "b2", "c1"}
    branched.done("downgrade", "beta@base")
    assert _made(neo4j_graph) == {"a1", "a2", "c1"}
    branched.done("downgrade", "base")
    assert _made(neo4j_graph) == set()
    assert branched.heads() == []


def test_what_a_revision_depends_on_comes_first(
    branched: Project, neo4j_graph: Graph
) -> None:
    branched.done("upgrade", "gamma@head")
    assert _made(neo4j_graph) == {"a1", "c1"}
    out = branched.done("current")
    assert "c1" in out
    branched.done("upgrade", "alpha@head")
    assert _made(neo4j_graph) == {"a1", "a2", "c1"}


def test_a_dependency_is_part_of_the_replayed_schema(
    live: Project, neo4j_graph: Graph
) -> None:
    live.revision("a1", "op.add_node('P', *[])", branch_labels=("alpha",))
    live.revision(
        "b1",
        "op.add_node_property('P', 'name', 'STRING')",
        branch_labels=("beta",),
        depends_on="a1",
    )
    live.revision("b2", "op.rename_node_property('P', 'name', 'title')", down="b1")
    live.done("upgrade", "b1")
    live.done("upgrade", "b2")
    assert live.heads() == ["b2"]


def test_a_merge_goes_up_and_down(branched: Project, neo4j_graph: Graph) -> None:
    branched.done("merge", "--rev-id", "m1", "heads")
    branched.done("upgrade", "head")
    assert branched.heads() == ["m1"]
    branched.done("downgrade", "a2")
    assert branched.heads() == ["a2", "b2", "c1"]
    assert sorted(stamped(neo4j_graph) or []) == ["a2", "b2", "c1"]
    branched.done("upgrade", "head")
    branched.done("downgrade", "base")
    assert _made(neo4j_graph) == set()


def test_a_range_needs_sql(chain: Project) -> None:
    assert "Range revision not allowed" in chain.failed("upgrade", "r1:r2")


def test_stamp_moves_the_ledger_and_the_graphs_stamp(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.done("stamp", "r2")
    assert chain.heads() == ["r2"]
    assert stamped(neo4j_graph) == ["r2"]
    assert indexes(neo4j_graph) == set()
    applied = (chain.remembered() or {})["alembic_neo4j_revision"]
    assert [row[1] for row in applied] == ["r1", "r2"]
    chain.done("upgrade", "head")
    assert indexes(neo4j_graph) == {"i3"}
    chain.done("stamp", "base")
    assert chain.heads() == []
    assert stamped(neo4j_graph) == []
    assert (chain.remembered() or {})["alembic_neo4j_revision"] == []
    chain.done("stamp", "heads")
    assert chain.heads() == ["r3"]


def test_stamp_takes_several_revisions(branched: Project, neo4j_graph: Graph) -> None:
    branched.done("stamp", "a2", "b1")
    assert branched.heads() == ["a2", "b1"]
    assert sorted(stamped(neo4j_graph) or []) == ["a2", "b1"]
    assert "Can't locate" in branched.failed("stamp", "nope")


def test_stamp_purge_starts_from_nothing(chain: Project, neo4j_graph: Graph) -> None:
    chain.done("upgrade", "head")
    for path in chain.versions.glob("r[123]_.py"):
        path.unlink()
    chain.revision("n1")
    assert "Can't locate revision" in chain.failed("stamp", "n1")
    chain.done("stamp", "--purge", "n1")
    assert chain.heads() == ["n1"]
    assert stamped(neo4j_graph) == ["n1"]
    applied = (chain.remembered() or {})["alembic_neo4j_revision"]
    assert [row[1] for row in applied] == ["n1"]
    chain.revision("n2", down="n1")
    chain.done("upgrade", "head")


def test_current(chain: Project) -> None:
    chain.done("upgrade", "r2")
    assert chain.done("current").strip() == "r2"
    out = chain.done("current", "-v")
    assert f"Current revision(s) for sqlite:///{chain.ledger}" in out
    assert "Parent: r1" in out
    assert "not on all head revisions" in chain.failed("current", "--check-heads")
    chain.done("upgrade", "head")
    assert chain.done("current", "-c").strip() == "r3 (head)"
    assert chain.done("show", "current").startswith("Rev: r3 (head)")
    assert "r3 (head) (current)" in chain.done("history", "-i")
    assert len(chain.done("history", "-r", "r2:current").splitlines()) == 2
    assert len(chain.done("history", "-r", "current:").splitlines()) == 1


def test_current_before_there_is_a_ledger(chain: Project) -> None:
    out = chain.done("current", "-v")
    assert f"Current revision(s) for sqlite:///{chain.ledger}" in out
    assert not chain.ledger.exists()


def test_current_shows_no_password(chain: Project) -> None:
    chain.set("neo4j.password", "s3cret")
    assert "s3cret" not in chain.run("current", "-v").text


def test_ensure_version_makes_the_ledger_alone(
    chain: Project, neo4j_graph: Graph
) -> None:
    before = graph_state(neo4j_graph)
    chain.done("ensure_version")
    made = {"alembic_version", VERSION_TABLE, *metadata.tables}
    assert set(chain.remembered() or {}) == made
    assert graph_state(neo4j_graph) == before
    chain.done("ensure_version")
    chain.done("upgrade", "head")


def test_ensure_version_as_a_script_makes_nothing(chain: Project) -> None:
    out = chain.done("ensure_version", "--sql")
    assert not chain.ledger.exists()
    assert "// ledger: CREATE TABLE alembic_version" in out
    assert all(line.startswith("//") for line in out.splitlines() if line)


def test_read_only_verbs_leave_nothing_behind(
    chain: Project, neo4j_graph: Graph
) -> None:
    before = graph_state(neo4j_graph)
    for verb in (
        "current",
        "current -v",
        "history -i",
        "heads",
        "show current",
        "check",
    ):
        chain.run(*verb.split())
        assert not chain.ledger.exists(), verb
    assert graph_state(neo4j_graph) == before


def test_read_only_verbs_do_not_change_a_ledger(chain: Project) -> None:
    chain.done("upgrade", "r2")
    before = chain.remembered()
    for verb in ("current -v", "history -i", "heads", "show current", "check"):
        chain.run(*verb.split())
        assert chain.remembered() == before, verb


def test_an_empty_database_is_a_ledger_for_reading(chain: Project) -> None:
    chain.ledger.touch()
    assert chain.done("current") == ""
    assert chain.remembered() == {}
    chain.done("upgrade", "head")
    assert chain.heads() == ["r3"]


def test_an_unsafe_downgrade_stops_before_its_first_step(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.revision("r2", "pass", "pass", down="r1", rollback_safe=False)
    chain.done("upgrade", "head")
    before, remembered = graph_state(neo4j_graph), chain.remembered()
    message = chain.failed("downgrade", "base")
    assert "revision r2 (the message of r2)" in message
    assert "rollback_safe = False" in message
    assert graph_state(neo4j_graph) == before
    assert chain.remembered() == remembered
    chain.done("downgrade", "r2")
    assert chain.heads() == ["r2"]


def test_a_downgrade_that_is_not_implemented_stops_before_its_first_step(
    chain: Project, neo4j_graph: Graph
) -> None:
    chain.revision("r2", "pass", "raise NotImplementedError('the why')", down="r1")
    chain.done("upgrade", "head")
    before, remembered = graph_state(neo4j_graph), chain.remembered()
    message = chain.failed("downgrade", "base")
    assert "revision r2" in message
    assert "the why" in message
    assert graph_state(neo4j_graph) == before
    assert chain.remembered() == remembered


def test_callbacks_and_tag_of_env_py(chain: Project) -> None:
    env = chain.path / "migrations" / "env.py"
    env.write_text(
        env.read_text()
        .replace("target_metadata=target_metadata", "on_version_apply=note")
        .replace(
            "with environment",
            "def note(ctx, step, heads, run_args):\n"
            "    print(step.is_upgrade, step.up_revision_id, sorted(heads),"
            " context.get_tag_argument(), type(ctx).__name__)\n\n"
            "with environment",
            1,
        )
    )
    out = chain.done("upgrade", "--tag", "mine", "r2")
    assert out.splitlines() == [
        "True r1 ['r1'] mine Neo4jMigrationContext",
        "True r2 ['r2'] mine Neo4jMigrationContext",
    ]
    assert chain.done("downgrade", "--tag", "t", "-1").startswith("False r2 ['r1'] t")
    assert "['r3']" in chain.done("stamp", "--tag", "t", "r3")


def test_raiseerr_shows_where(chain: Project) -> None:
    from alembic_neo4j.errors import ConfigurationError

    chain.set("neo4j.nope", "1")
    with pytest.raises(ConfigurationError):
        chain.run("--raiseerr", "current")


def test_quiet_says_nothing_on_standard_output(chain: Project) -> None:
    assert chain.done("-q", "upgrade", "head") == ""
    assert chain.done("-q", "current") == ""
