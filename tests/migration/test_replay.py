"""The schema at any revision, computed by running the history in memory."""

from __future__ import annotations

import re
from pathlib import Path

import alembic.op
import pytest
from alembic.script import ScriptDirectory

from alembic_neo4j.cypher.events import LedgerEvent, StatementEvent, UnseenEvent
from alembic_neo4j.errors import ReplayError
from alembic_neo4j.migration.replay import History
from alembic_neo4j.schema.definitions import Schema
from tests.migration.project import Project


def _history(project: Project) -> History:
    return History(ScriptDirectory.from_config(project.config()))


def _labels(schema: Schema) -> set[str]:
    return set(schema.nodes)


def test_each_revision_has_its_schema(project: Project) -> None:
    project.revision("r1", "op.add_node('A')")
    project.revision("r2", "op.rename_label('A', 'B')", down="r1")
    project.revision("r3", "op.add_index('B', 'p')", down="r2")
    history = _history(project)
    assert history.at([]) == Schema()
    assert _labels(history.at(["r1"])) == {"A"}
    assert _labels(history.at(["r2"])) == {"B"}
    assert not history.at(["r2"]).indexes
    assert len(history.at_heads().indexes) == 1


def test_branches_and_merges_compose(project: Project) -> None:
    project.revision("r1", "op.add_node('Base')")
    project.revision("a1", "op.add_node('A')", down="r1")
    project.revision("b1", "op.add_node('B')", down="r1")
    project.revision("c1", "op.add_node('C')", depends_on="a1")
    history = _history(project)
    assert _labels(history.at(["a1"])) == {"Base", "A"}
    assert _labels(history.at(["a1", "b1"])) == {"Base", "A", "B"}
    assert _labels(history.at(["c1"])) == {"Base", "A", "C"}
    project.revision("m1", down=("a1", "b1"))
    assert _labels(_history(project).at(["m1"])) == {"Base", "A", "B"}
    assert _labels(_history(project).at_heads()) == {"Base", "A", "B", "C"}


def test_nothing_runs_and_reads_return_no_rows(project: Project) -> None:
    project.revision(
        "r1",
        """
        assert op.is_replaying()
        assert op.run_cypher("MATCH (n) RETURN n") == []
        assert op.get_bind().run("MATCH (n) RETURN n") == []
        assert not op.get_context().as_sql
        op.execute("CREATE (:Nothing)")
        op.execute(sa.text("DROP TABLE alembic_version"))
        with op.get_context().autocommit_block():
            op.execute("CREATE (:Nothing)")
        alembic_op.create_table("t", sa.Column("id", sa.Integer))
        alembic_op.drop_index("i", table_name="t")
        with alembic_op.batch_alter_table("t") as batch:
            batch.add_column(sa.Column("x", sa.Integer))
        op.add_node("A")
        """,
        header="import sqlalchemy as sa\nfrom alembic import op as alembic_op",
    )
    assert _labels(_history(project).at(["r1"])) == {"A"}
    assert not project.ledger.exists()


def test_what_is_no_change_of_the_schema_is_noted_in_its_place(
    project: Project,
) -> None:
    project.revision(
        "r1",
        """
        op.execute("CREATE (:A)")
        op.add_node("A")
        with op.get_context().autocommit_block():
            op.run_cypher("RETURN 1")
        op.execute(sa.text("SELECT 1"))
        alembic_op.drop_index("i", table_name="t")
        op.is_replaying()
        """,
        header="import sqlalchemy as sa\nfrom alembic import op as alembic_op",
    )
    ((_, recording),) = _history(project).walk(["r1"])
    raw, change, read, *others = recording.events
    assert raw == StatementEvent("CREATE (:A)", answers=False)
    assert change == recording.changes[0]
    assert read == StatementEvent("RETURN 1", answers=True, autocommit=True)
    assert others == [
        LedgerEvent("SELECT 1"),
        LedgerEvent("DropIndexOp"),
        UnseenEvent(),
    ]


def test_alembics_proxy_is_put_back(project: Project) -> None:
    before = vars(alembic.op).get("_proxy")
    project.revision("r1", "op.add_node('A')")
    project.revision("r2", "raise RuntimeError('mine')", down="r1")
    history = _history(project)
    history.at(["r1"])
    assert vars(alembic.op).get("_proxy") is before
    with pytest.raises(ReplayError):
        history.at(["r2"])
    assert vars(alembic.op).get("_proxy") is before


def test_an_error_names_revision_and_line_and_what_to_do(project: Project) -> None:
    path = project.revision("r1", "op.add_node('A')\nop.run_cypher('RETURN 1')[0]")
    line = len(path.read_text().partition("op.run_cypher")[0].splitlines())
    with pytest.raises(ReplayError) as caught:
        _history(project).at(["r1"])
    message = str(caught.value)
    assert f"revision r1 ({path}, line {line})" in message
    assert "IndexError" in message
    assert "`if not op.is_replaying():`" in message


@pytest.mark.parametrize(
    "code",
    [
        "[][0]",
        "rows = op.run_cypher('RETURN 1')\nnamed(lable='A')",
        "rows = op.run_cypher('RETURN 1')\nop.Property('x', typ='STRING')",
        "rows = op.run_cypher('RETURN 1')\nop.add_index('A')",
        "rows = op.run_cypher('RETURN 1')\n"
        "op.convert_node_property('A', 'x', 'value', on_failur='keep')",
    ],
)
def test_what_rows_have_no_part_in_gives_no_advice_on_them(
    project: Project, code: str
) -> None:
    header = "def named(label): op.add_node(label)"
    path = project.revision("r1", f"op.add_node('A')\n{code}", header=header)
    line = path.read_text().splitlines().index(f"    {code.splitlines()[-1]}") + 1
    with pytest.raises(ReplayError) as caught:
        _history(project).at(["r1"])
    message = str(caught.value)
    assert f"revision r1 ({path}, line {line})" in message
    assert "is_replaying" not in message


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("op.add_node('A')", "op.add_node('A')", "is declared already"),
        ("op.add_index('A', 'x')", "op.add_index('A', 'x')", "exists already"),
        (
            "op.add_index('A', 'x', name='one')",
            "op.add_text_index('A', 'y', name='one')",
            "'one'",
        ),
        (
            "op.add_index('A', 'x', name='one')",
            "op.add_unique_constraint('A', 'y', name='one')",
            "'one'",
        ),
        (
            "op.add_unique_constraint('A', 'x')",
            "op.add_unique_constraint('A', 'x', name='other')",
            "exists already",
        ),
        (
            "op.rename_label('B', 'A')",
            "op.add_node('A')",
            "is declared already",
        ),
    ],
)
@pytest.mark.parametrize("apart", [True, False])
def test_both_places_of_a_clash_are_named(
    project: Project, first: str, second: str, found: str, apart: bool
) -> None:
    base = "op.add_node('B')\nop.add_index('B', 'z')"
    one = project.revision("r1", f"{base}\n{first}\nop.add_index('B', 'q')")
    other = one
    if apart:
        other = project.revision("r2", second, down="r1")
    else:
        other = project.revision("r1", f"{base}\n{first}\n{second}")

    with pytest.raises(ReplayError, match=re.escape(found)) as caught:
        _history(project).at_heads()

    def place(path: Path, code: str, which: int) -> str:
        lines = path.read_text().splitlines()
        numbers = [n for n, text in enumerate(lines, 1) if text == f"    {code}"]
        return f"revision {path.stem[:2]} ({path}, line {numbers[which]})"

    message = str(caught.value)
    assert f"{place(other, second, -1)} does not fit the history" in message
    assert message.endswith(f". It is so since {place(one, first, 0)}")


def test_where_something_was_dropped_is_named(project: Project) -> None:
    one = project.revision("r1", "op.add_index('A', 'x')\nop.drop_index('A', 'x')")
    project.revision("r2", "op.drop_index('A', 'x')", down="r1")
    project.revision("r3", "op.drop_index('A', 'never')", down="r1")
    line = one.read_text().splitlines().index("    op.drop_index('A', 'x')") + 1
    with pytest.raises(ReplayError, match=r"has no .* It is so since") as caught:
        _history(project).at(["r2"])
    assert str(caught.value).endswith(
        f"It is so since revision r1 ({one}, line {line})"
    )
    with pytest.raises(ReplayError, match="has no ") as caught:
        _history(project).at(["r3"])
    assert "It is so since" not in str(caught.value)


def test_what_another_branch_has_made_is_named(project: Project) -> None:
    project.revision("r1", "op.add_node('B')")
    project.revision("r2", "op.add_index('B', 'x')", down="r1")
    project.revision("r3", "op.add_index('B', 'x')", down="r1")
    project.revision("r4", "", down=("r2", "r3"))
    with pytest.raises(ReplayError, match=r"revision r(2|3) .*since revision r(2|3) "):
        _history(project).at_heads()


def test_a_change_that_does_not_fit_names_the_history(project: Project) -> None:
    project.revision("r1", "op.add_node('A')")
    project.revision("r2", "op.add_node('A')", down="r1")
    with pytest.raises(ReplayError, match=r"revision r2 .* does not fit the history"):
        _history(project).at_heads()


def test_the_same_files_give_the_same_schema(project: Project) -> None:
    project.revision("r1", "op.add_node('A')\nop.add_index('A', 'p', 'q')")
    assert _history(project).at_heads() == _history(project).at_heads()
