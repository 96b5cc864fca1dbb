"""What is said of an operation's arguments that can't be right."""

from __future__ import annotations

import inspect
import typing

import pytest
from alembic.script import ScriptDirectory

from alembic_neo4j import op
from alembic_neo4j.errors import ReplayError
from alembic_neo4j.migration.replay import History
from tests.migration.project import Project

WRONG = {
    "op.run_cypher(5)": "op.run_cypher: cypher = 5: expected str, found int",
    "op.run_cypher('RETURN 1', [1])": "parameters = [1]: expected a mapping",
    "op.execute(5)": "op.execute: cypher = 5: expected a Cypher text",
    "op.get_bind().run(5)": "cypher = 5: expected a Cypher text",
    "op.run_cypher_file(None)": "op.run_cypher_file: path = None: expected str",
    "op.add_index(5, 'p')": "op.add_index: label = 5: expected str, found int",
    "op.add_index('A', 5)": "op.add_index: properties = 5: expected str, found int",
    "op.add_index('A', ['p'])": "properties = ['p']: expected str, found list",
    "op.add_index('A', 'p', nme='i')": "unexpected keyword argument 'nme'",
    "op.add_index()": "missing a required argument: 'label'",
    "op.add_node('A', 'name')": "declarations = 'name': expected Property or Relation",
    "op.add_node('A', bases='B')": "bases = 'B': expected a list of str, found str",
    "op.add_node('A', open='no')": "open = 'no': expected bool, found str",
    "op.rename_label('A', None)": "op.rename_label: new = None: expected str",
    "op.rename_label('A', 'B', batch_size=True)": "batch_size = True: expected int",
    "op.rename_label('A', 'B', where=1)": "where = 1: expected str or None",
    "op.rename_node_property('A', 'b', 'c', on_conflict='x')": "on_conflict = 'x'",
    "op.add_fulltext_index([1], 'p')": "labels = [1]: expected str or a list of str",
    "op.begin_batch(7)": "= 7: expected str",
    "op.upsert_nodes('A', [], merge_keys=5)": "merge_keys = 5: expected",
}


@pytest.mark.parametrize("code", WRONG)
def test_a_wrong_argument_is_named_with_its_line(project: Project, code: str) -> None:
    path = project.revision("r1", f"op.add_node('First')\n{code}")
    line = path.read_text().splitlines().index(f"    {code}") + 1
    with pytest.raises(ReplayError) as caught:
        History(ScriptDirectory.from_config(project.config())).at_heads()
    message = str(caught.value)
    assert f"revision r1 ({path}, line {line})" in message
    assert WRONG[code] in message
    assert "is_replaying" not in message


def test_the_annotations_of_every_operation_can_be_read() -> None:
    functions = [
        function
        for name, function in vars(op).items()
        if inspect.isfunction(function) and not name.startswith("_")
        if function.__module__ == op.__name__ and inspect.signature(function).parameters
    ]
    assert len(functions) > 60
    for function in functions:
        assert typing.get_type_hints(inspect.unwrap(function))
