"""Writes the operations on relationships that are the twins of those on nodes.

An operation that is about ``EntityType.NODE`` in `op.py` has a twin that is about
``EntityType.RELATIONSHIP``. Nobody writes it: run ``python -m
tests.relationship_operations`` after a change of the operation on nodes.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

OP = Path(__file__).parent.parent / "alembic_neo4j" / "op.py"
BEGIN = f"# On relationships, as on nodes {'-' * 49}"
NOTE = "# Written by `python -m tests.relationship_operations`: edit those on nodes.\n"
END = f"# {'-' * 81}"
WIDTH = 84

_CODE = (
    (r"EntityType\.NODE\b", "EntityType.RELATIONSHIP"),
    (r"\blabels\b", "relationship_types"),
    (r"\blabel\b", "relationship_type"),
)
_PROSE = (
    (r"``n``", "``r``"),
    (r"\(n\)", "(r)"),
    (r"(?<!or )\blabels\b", "relationship types"),
    (r"(?<!a )\blabel\b(?! or type)", "relationship type"),
    (r"\ba label\b(?! or type)", "a relationship type"),
    (r"(?<!_)node(?!s?_)", "relationship"),
)


def written(source: str) -> str:
    """Return the text of `op.py` with its twins made anew."""
    before, _, rest = source.partition(f"{BEGIN}\n")
    after = rest.partition(f"{END}\n")[2]
    twins = "\n\n".join(_twins(before))
    return _formatted(f"{before}{BEGIN}\n{NOTE}\n\n{twins}\n\n{END}\n{after}")


def twin_name(name: str) -> str:
    """Return how the twin of an operation on nodes is called."""
    if "_node_" in name:
        return name.replace("_node_", "_relationship_")
    verb, _, what = name.partition("_")
    return f"{verb}_relationship_{what}"


def _twins(source: str) -> list[str]:
    lines = source.splitlines(keepends=True)
    functions = [
        node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)
    ]
    texts = {f.name: "".join(lines[f.lineno - 1 : f.end_lineno]) for f in functions}
    names = [name for name, text in texts.items() if "EntityType.NODE" in text]
    docs = {f.name: ast.get_docstring(f, clean=False) or "" for f in functions}
    return [_twin(name, texts[name], docs[name], names) for name in names]


def _twin(name: str, text: str, doc: str, names: list[str]) -> str:
    head, _, body = text.partition(f'"""{doc}"""')
    told = _replaced(textwrap.dedent(f"    {doc}"), _PROSE)
    for other in names:
        told = re.sub(rf"\b{other}\b", twin_name(other), told)
    paragraphs = [
        textwrap.indent(_filled(paragraph), "    ")
        for paragraph in told.strip().split("\n\n")
    ]
    wrapped = "\n\n".join(paragraphs).strip()
    end = "\n    " if len(paragraphs) > 1 else ""
    code = _replaced(f"{head}\0{body}", _CODE).replace(f"def {name}(", "def \1(")
    return code.replace("\0", f'"""{wrapped}{end}"""').replace("\1", twin_name(name))


def _filled(paragraph: str) -> str:
    return textwrap.fill(" ".join(paragraph.split()), WIDTH, break_on_hyphens=False)


def _replaced(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in pairs:
        text = re.sub(pattern, replacement, text)
    return text


def _formatted(source: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).with_name("ruff"), "format", "--stdin-filename", OP, "-"],
        input=source,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    OP.write_text(written(OP.read_text("utf-8")), "utf-8")
