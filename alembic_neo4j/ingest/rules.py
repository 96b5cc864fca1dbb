"""What is asked of the rows of a file, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Any

from alembic_neo4j.errors import IngestError
from alembic_neo4j.sentences import ended

UNKNOWN = ("keep", "ignore", "refuse")
"""What may become of columns that no rule names."""


@dataclass(frozen=True)
class PropertyRules:
    """What is asked of one property's values, after they got their type.

    `column` is the file's name for it, where that is another; the model's attribute is
    known without. `minimum` and `maximum` are included, and compared as values of the
    type; lengths are those of a text or a list. `pattern` has to match from the
    beginning, as neomodel does it; end it with ``$`` for the whole text. `format`,
    `text_format` and `crs` are those of `conversion.converter`. A missing value breaks
    `required` alone.
    """

    name: str
    type: str = "ANY"
    column: str | None = None
    required: bool = False
    minimum: Any = None
    maximum: Any = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    allowed: tuple[Any, ...] | None = None
    unique: bool = False
    format: str | None = None
    crs: str | None = None
    attribute: str | None = None
    text_format: str | None = None

    def __post_init__(self) -> None:
        if self.allowed is not None:
            object.__setattr__(self, "allowed", tuple(self.allowed))
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise IngestError(
                    f"{self.name}: expected a regular expression, found "
                    f"{self.pattern!r}: {ended(error)}"
                ) from error


@dataclass(frozen=True)
class Rules:
    """What is asked of the rows of a file.

    `unique` has the groups of properties whose values together are unique; a row
    that lacks one of them is in nobody's way. `unknown` says what becomes of columns
    that no rule names: they are kept as they are (also where it is None), ignored, or
    refused.
    """

    properties: tuple[PropertyRules, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    min_rows: int | None = None
    max_rows: int | None = None
    unknown: str | None = None

    def __post_init__(self) -> None:
        single = tuple((p.name,) for p in self.properties if p.unique)
        groups = dict.fromkeys((*single, *(tuple(group) for group in self.unique)))
        object.__setattr__(self, "unique", tuple(groups))
        if self.unknown not in (None, *UNKNOWN):
            raise IngestError(
                f"Expected one of {', '.join(UNKNOWN)} for unknown columns, found "
                f"{self.unknown!r}."
            )

    def over(self, below: Rules) -> Rules:
        """Return these rules together with those below, which give way to them."""
        mine = {p.name: p for p in self.properties}
        theirs = {p.name: p for p in below.properties}
        return Rules(
            tuple(
                _over(mine.get(name), theirs.get(name)) for name in {**theirs, **mine}
            ),
            (*below.unique, *self.unique),
            below.min_rows if self.min_rows is None else self.min_rows,
            below.max_rows if self.max_rows is None else self.max_rows,
            self.unknown or below.unknown,
        )


def _over(mine: PropertyRules | None, theirs: PropertyRules | None) -> PropertyRules:
    if mine is None or theirs is None:
        found = mine or theirs
        assert found is not None
        return found
    # A field that was left at its default says nothing.
    said = {
        f.name: getattr(mine, f.name)
        for f in fields(PropertyRules)
        if getattr(mine, f.name) != f.default
    }
    if theirs.format is not None:
        # How a model stores values is not for a file to say, only how it writes them.
        said.pop("type", None)
        said["text_format"] = said.pop("format", None) or mine.text_format
    return replace(theirs, **said)
