"""What is written down of each operation is byte for byte what golden files hold."""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Callable, Iterator

import pytest

from alembic_neo4j import op
from tests.migration import golden
from tests.migration.golden_cases import CASES, Case
from tests.migration.project import Project

REFRESHES = golden.REFRESH in os.environ
CHANGES = [group for group in CASES if group not in ("statements", "batches", "files")]
ALL = [case for group in CASES.values() for case in group]


def _of(group: str, text: Callable[[Case], str]) -> str:
    return golden.sections({_title(case): text(case) for case in CASES[group]})


def _title(case: Case) -> str:
    before = f"\nafter {case.before.strip()}" if case.before else ""
    back = f"\nback by {case.downgrade}" if case.downgrade else ""
    return f"{case.upgrade.strip()}{back}{before}"


@pytest.mark.parametrize("group", CHANGES)
def test_revisions_are_rendered_so(group: str) -> None:
    golden.compare(
        f"rendered/{group}.txt",
        lambda: _of(group, golden.rendering),
        refresh=REFRESHES,
    )


@pytest.mark.parametrize("group", CHANGES)
def test_the_server_gets_these_steps(group: str) -> None:
    golden.compare(
        f"steps/{group}.txt", lambda: _of(group, golden.steps_of), refresh=REFRESHES
    )


@pytest.mark.parametrize("group", CASES)
def test_scripts_are_written_so(group: str, project: Project) -> None:
    golden.compare(
        f"scripts/{group}.txt",
        lambda: _of(group, lambda case: golden.scripts(project, case)),
        refresh=REFRESHES,
    )


@pytest.mark.parametrize("edition", ["community", "enterprise"])
def test_autogenerate_writes_these_revisions(edition: str, project: Project) -> None:
    golden.compare(
        f"generated/{edition}.txt",
        lambda: golden.generated(project, enterprise=edition == "enterprise"),
        refresh=REFRESHES,
    )


def test_no_operation_and_no_option_is_left_out() -> None:
    """`op` is read as it is: a new function, or parameter, has no golden text yet."""
    given = {use for case in ALL for use in _uses(f"{case.upgrade}\n{case.downgrade}")}
    wanted = {
        (name, parameter)
        for name, function in vars(op).items()
        if inspect.isfunction(function) and function.__module__ == op.__name__
        if not name.startswith("_")
        for parameter in inspect.signature(function).parameters
    }
    assert len(wanted) > 400
    assert wanted - given == set()


def test_no_kind_of_change_is_left_out() -> None:
    made = {
        kind
        for group in CHANGES
        for case in CASES[group]
        for kind in golden.kinds_made(case.upgrade)
    }
    assert len(made) > 35
    assert golden.kinds_of_change() - made == set()


def _uses(code: str) -> Iterator[tuple[str, str]]:
    """Yield each parameter of a function of `op` that calls in the code give."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        function = getattr(op, node.func.attr, None)
        if inspect.isfunction(function):
            given = inspect.signature(function).bind(
                *node.args, **{word.arg: None for word in node.keywords if word.arg}
            )
            yield from ((node.func.attr, name) for name in given.arguments)
