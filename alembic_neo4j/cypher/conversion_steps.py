"""A conversion of stored values in batches, and its undoing to the very values.

A value that its reverse does not give back exactly is archived beside, with what it
became, so that the downgrade can tell whether it has changed since. What had the new
type already is marked: nothing was converted there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from alembic_neo4j.cypher import data_checks
from alembic_neo4j.cypher.data_changes import (
    Mark,
    Rewrite,
    archive_name,
    batched,
    mark_name,
    unmark,
)
from alembic_neo4j.cypher.patterns import Scope, enclosed
from alembic_neo4j.cypher.reversals import same
from alembic_neo4j.cypher.steps import Batched, Check, Step
from alembic_neo4j.schema.conversions import conversion
from alembic_neo4j.schema.definitions import Property
from alembic_neo4j.schema.property_types import tested_type


@dataclass(frozen=True)
class Conversion:
    """The values of a property of some entities that become those of another type."""

    scope: Scope
    old: Property
    new: Property
    revision: str

    def steps(self, using: str) -> Iterable[Step]:
        """Convert all values that have not been, by an expression over ``value``."""
        checks = self._checks(self.scope, using)
        yield from checks
        if self._tested is not None:
            yield self._keep()
        yield self._convert(using)
        if self._tested is None:
            yield unmark(self.scope, self._done)

    def undoing(self, using: str | None, wanted: str) -> Iterable[Step]:
        """Give back what was archived, and convert what else there is.

        Without an expression `using` there must be nothing else; `wanted` says what to
        write then.
        """
        rest = replace(self.scope, where=f"NOT ({self._settled})")
        if using is None:
            yield self._nothing_else(rest, wanted)
        else:
            yield from self._checks(rest, using)
            yield self._convert_rest(using)
        yield self._restore()
        if self._tested is None:
            yield unmark(self.scope, self._done)
        yield unmark(self.scope, self._kept)

    # What the steps are made of

    @property
    def _tested(self) -> str | None:
        """The type by which a converted value can be told, if there is one."""
        return tested_type(self.new.type) if self.new.type != self.old.type else None

    @property
    def _pending(self) -> str:
        """What holds for an entity whose value is still to be converted."""
        if self._tested is None:
            return f"{self.scope.value(self._done)} IS NULL"
        return f"NOT {self._value} IS :: {self._tested}"

    @property
    def _settled(self) -> str:
        """What holds for an entity whose value needs no conversion on the way back."""
        archive, became, kept = map(
            self.scope.value, (self._archive, self._became, self._kept)
        )
        return (
            f"({archive} IS NOT NULL AND {same(self._value, became)}) "
            f"OR {same(self._value, kept)}"
        )

    @property
    def _value(self) -> str:
        return self.scope.value(self.old.name)

    @property
    def _done(self) -> str:
        return mark_name(self.revision, self.old.name)

    @property
    def _archive(self) -> str:
        return archive_name(self.revision, self.old.name)

    @property
    def _became(self) -> str:
        return Mark.CONVERTED.of(self.revision, self.old.name)

    @property
    def _kept(self) -> str:
        return Mark.KEPT.of(self.revision, *self.scope.names, self.old.name)

    def _checks(self, scope: Scope, using: str) -> list[Check]:
        waiting = self._pending
        if self._tested is not None:
            waiting = f"NOT value IS :: {self._tested}"
        result = data_checks.converted(using, waiting)
        return [
            *data_checks.conversion_checks(scope, self.old, self.new, using, waiting),
            *data_checks.value_checks(scope, self.old, self.new, result),
        ]

    def _keep(self) -> Batched:
        """Mark what has the new type already, and not the old one as well."""
        kept = self.scope.value(self._kept)
        there = (
            f"{self._value} IS NOT NULL AND {self._value} IS :: {self._tested} "
            f"AND {kept} IS NULL"
        )
        before = tested_type(self.old.type)
        if before is not None:
            there += f" AND NOT {self._value} IS :: {before}"
        return batched(
            f"remember {self.old.name} of {self.scope} that is {self._tested} already",
            Rewrite.within(self.scope, there, f"SET {kept} = {self._value}"),
            only_marks=True,
        )

    def _convert(self, using: str) -> Batched:
        archive, became = map(self.scope.value, (self._archive, self._became))
        sets = [f"{archive} = original"]
        sets.append(f"{became} = CASE WHEN original IS NOT NULL THEN result END")
        sets.append(f"{self._value} = result")
        if self._tested is None:
            sets.append(f"{self.scope.value(self._done)} = true")
        return batched(
            f"convert {self.old.name} of {self.scope}",
            Rewrite.within(
                self.scope,
                f"{self._value} IS NOT NULL AND {self._pending}",
                f"WITH *, {self._value} AS value WITH *, {enclosed(using)} AS result "
                f"WITH *, {self._original(using)} AS original SET {', '.join(sets)}",
            ),
        )

    def _original(self, using: str) -> str:
        """Return what is archived of a ``value`` that became ``result``."""
        known = conversion(self.old, self.new)
        if known.using != using or not isinstance(known.reverse_using, str):
            return "value"
        back = f"({known.reverse_using.replace('value', 'result')})"
        return (
            f"CASE WHEN NOT ({same(back, 'value')} "
            f"AND valueType({back}) = valueType(value)) THEN value END"
        )

    def _convert_rest(self, using: str) -> Batched:
        gone = ", ".join(map(self.scope.value, (self._archive, self._became)))
        done = "" if self._tested else f", {self.scope.value(self._done)} = true"
        return batched(
            f"convert {self.old.name} of {self.scope}",
            Rewrite.within(
                self.scope,
                f"{self._value} IS NOT NULL AND {self._pending} "
                f"AND NOT ({self._settled})",
                f"WITH *, {self._value} AS value "
                f"SET {self._value} = {enclosed(using)}{done} REMOVE {gone}",
            ),
        )

    def _nothing_else(self, rest: Scope, wanted: str) -> Check:
        return data_checks.check_of(
            rest.variable,
            f"MATCH {rest.pattern}\n"
            f"WHERE {self._value} IS NOT NULL AND {self._pending}\n"
            f"WITH {rest.variable}, {self._value} AS value",
            expected=f"{self.old.name!r} of {self.scope} has no values but those that "
            "the upgrade has converted",
            advice=wanted,
        )

    def _restore(self) -> Batched:
        archive, became = map(self.scope.value, (self._archive, self._became))
        return batched(
            f"bring back {self.old.name} of {self.scope} as it was",
            Rewrite.within(
                self.scope,
                f"{archive} IS NOT NULL",
                f"SET {self._value} = CASE WHEN {same(self._value, became)} "
                f"THEN {archive} ELSE {self._value} END REMOVE {archive}, {became}",
            ),
        )
