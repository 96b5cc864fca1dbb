"""What the reverse of a refactoring goes by: marks, and what is archived beside.

What had the new form before others get it is marked by a step of its own, and left
alone on the way back. What the new form can't hold is archived: values that are no text
or have the separator in them, further labels, properties of relationships that go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_neo4j.cypher.data_changes import (
    Mark,
    Rewrite,
    archive_name,
    batched,
    unmark,
)
from alembic_neo4j.cypher.patterns import Scope, enclosed, nodes, relationships
from alembic_neo4j.cypher.quoting import quote
from alembic_neo4j.cypher.reversals import same
from alembic_neo4j.cypher.steps import Batched
from alembic_neo4j.schema.changes import (
    JoinProperties,
    NodeToRelationship,
    RelationshipToNode,
    SplitProperty,
)

# Texts and their parts ---------------------------------------------------------------


@dataclass(frozen=True)
class TextAndParts:
    """A text and its parts: a list in the same property, or properties of their own."""

    scope: Scope
    whole: str
    parts: tuple[str, ...]
    revision: str

    @classmethod
    def of(cls, change: SplitProperty | JoinProperties, revision: str) -> TextAndParts:
        """Return what a change splits or joins."""
        scope = Scope(change.entity, (change.owner,))
        if isinstance(change, SplitProperty):
            return cls(scope, change.name, change.into, revision)
        parts = () if change.into in change.names else change.names
        return cls(scope, change.into, parts, revision)

    @property
    def value(self) -> str:
        """The property that holds the text."""
        return self.scope.value(self.whole)

    @property
    def is_whole(self) -> str:
        """What holds for an entity that has the text."""
        return f"{self.value} IS :: STRING NOT NULL"

    @property
    def is_parted(self) -> str:
        """What holds for an entity that has parts."""
        if not self.parts:
            return f"{self.value} IS :: LIST<ANY> NOT NULL"
        present = (f"{self.scope.value(name)} IS NOT NULL" for name in self.parts)
        return f"({' OR '.join(present)})"

    @property
    def unkept(self) -> str:
        """What holds for an entity that had not the new form before the upgrade."""
        return f"{self.scope.value(self._kept)} IS NULL"

    def remember(
        self, there: str, going: str, where: str | None, batch_size: int | None
    ) -> Batched:
        """Mark what has the new form `there`, and not the one that is `going`."""
        if where is not None:
            going = f"{going} AND {enclosed(where)}"
        form = self.whole if there == self.is_whole else ", ".join(self._names)
        return batched(
            f"remember {form} of {self.scope} that is there already",
            Rewrite.within(
                self.scope,
                f"{there} AND NOT coalesce({going}, false) AND {self.unkept}",
                f"SET {self.scope.value(self._kept)} = true",
            ),
            batch_size=batch_size,
            only_marks=True,
        )

    def forget(self) -> Batched:
        """Take the marks off."""
        return unmark(self.scope, self._kept)

    def given(self, parts: str) -> list[tuple[str, str]]:
        """Return the properties of the parts, each with what a list gives it."""
        if not self.parts:
            return [(self.value, parts)]
        last = len(self.parts) - 1
        given = [f"{parts}[{position}]" for position in range(last)]
        # What there is too much of stays in the last one.
        given.append(
            f"reduce(text = {parts}[{last}], part IN {parts}[{last + 1}..] | "
            "text + $separator + part)"
        )
        return list(zip(map(self.scope.value, self.parts), given, strict=True))

    def archiving(self, joined: str) -> str:
        """Return the clause that archives parts which the text would not give again."""
        pairs = self.given(f"split({joined}, $separator)")
        exact = " AND ".join(
            f"({same(value, given)} OR ({value} IS NULL AND {given} IS NULL))"
            for value, given in pairs
        )
        sets = [
            f"{archive} = CASE WHEN exact THEN {archive} ELSE {value} END"
            for archive, (value, _) in zip(self._archives, pairs, strict=True)
        ]
        became = f"{self._became} = CASE WHEN NOT exact THEN {joined} END"
        return f"WITH *, {exact} AS exact\nSET {', '.join((*sets, became))}"

    @property
    def unsettled(self) -> str:
        """What holds for an entity that gets nothing back which was archived."""
        return f"NOT {self._settled}"

    @property
    def dropped(self) -> str:
        """What is removed of an entity that was changed since."""
        return ", ".join((*self._archives, self._became))

    def bring_back(self, batch_size: int | None) -> Batched:
        """Give archived parts back where the text has not changed since."""
        sets = [
            f"{value} = CASE WHEN settled THEN {archive} ELSE {value} END"
            for value, archive in zip(
                map(self.scope.value, self._names), self._archives, strict=True
            )
        ]
        if self.parts:
            sets.append(f"{self.value} = CASE WHEN NOT settled THEN {self.value} END")
        return batched(
            f"bring back {', '.join(self._names)} of {self.scope} as it was",
            Rewrite.within(
                self.scope,
                f"({self._archived} OR {self._became} IS NOT NULL)",
                f"WITH *, {self._settled} AS settled\n"
                f"SET {', '.join(sets)} REMOVE {self.dropped}",
            ),
            batch_size=batch_size,
        )

    @property
    def _names(self) -> tuple[str, ...]:
        return self.parts or (self.whole,)

    @property
    def _kept(self) -> str:
        return Mark.KEPT.of(self.revision, *self.scope.names, self.whole, *self.parts)

    @property
    def _archives(self) -> list[str]:
        return [
            self.scope.value(archive_name(self.revision, name)) for name in self._names
        ]

    @property
    def _became(self) -> str:
        return self.scope.value(Mark.CONVERTED.of(self.revision, self.whole))

    @property
    def _archived(self) -> str:
        present = (f"{archive} IS NOT NULL" for archive in self._archives)
        return f"({' OR '.join(present)})"

    @property
    def _settled(self) -> str:
        gone = f"{self.value} IS NULL AND {self._became} IS NULL"
        unchanged = f"({same(self.value, self._became)} OR ({gone}))"
        return f"({self._archived} AND {unchanged})"


# Relationships and nodes between their ends ------------------------------------------


@dataclass(frozen=True)
class Between:
    """Relationships of a type between two labels, and nodes in their place."""

    source: str
    type: str
    target: str
    label: str
    revision: str

    @classmethod
    def of(
        cls, change: RelationshipToNode | NodeToRelationship, revision: str
    ) -> Between:
        """Return what a change turns into each other."""
        return cls(change.source, change.type, change.target, change.label, revision)

    @property
    def unkept_node(self) -> str:
        """What holds for a node that was none before the upgrade."""
        return f"n.{quote(self._kept)} IS NULL"

    @property
    def unkept_relationship(self) -> str:
        """What holds for a relationship that was none before the upgrade."""
        return f"r.{quote(self._kept)} IS NULL"

    def remember_nodes(self, batch_size: int | None) -> Batched:
        """Mark the nodes with the label that are there already."""
        return self._remember(
            nodes(self.label), f"(:{self.label})", self.unkept_node, "", batch_size
        )

    def remember_relationships(self, batch_size: int | None) -> Batched:
        """Mark the relationships between the ends that are there already."""
        return self._remember(
            relationships(self.type),
            f"{self.source}-[{self.type}]->{self.target}",
            self.unkept_relationship,
            f"(s:{quote(self.source)})-[r:{quote(self.type)}]->"
            f"(e:{quote(self.target)})",
            batch_size,
        )

    def forget_nodes(self) -> Batched:
        """Take the marks off the nodes."""
        return unmark(nodes(self.label), self._kept)

    def forget_relationships(self) -> Batched:
        """Take the marks off the relationships."""
        return unmark(relationships(self.type), self._kept)

    def archiving(self) -> str:
        """Return what keeps, on ``made``, what a relationship has no place for.

        That are the labels of ``n``, where they are not ``$labels``, and the properties
        of the relationships ``a`` and ``b``.
        """
        labels = (
            "CASE WHEN any(label IN labels(n) WHERE NOT label IN $labels) OR "
            "any(label IN $labels WHERE NOT label IN labels(n)) THEN labels(n) END"
        )
        lines = [f"SET made.{quote(self._labels)} = {labels}"]
        for variable, prefix in self._ends:
            lines.append(
                f"FOREACH (key IN keys({variable}) | "
                f"SET made[{prefix} + key] = {variable}[key])"
            )
        return "\n".join(lines)

    def restoring(self) -> str:
        """Return what gives ``made``, ``a`` and ``b`` back what was kept of them.

        Without labels that were kept it gets ``$bases``.
        """
        lines = [
            f"FOREACH (label IN coalesce(r.{quote(self._labels)}, $bases) | "
            "SET made:$(label))"
        ]
        for variable, prefix in self._ends:
            lines.append(
                f"FOREACH (key IN [key IN keys(r) WHERE key STARTS WITH {prefix}] | "
                f"SET {variable}[substring(key, size({prefix}))] = r[key], "
                "made[key] = null)"
            )
        lines.append(f"REMOVE made.{quote(self._labels)}")
        return "\n".join(lines)

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of both, beside the labels."""
        return {
            "at_source": archive_name(self.revision, f"{self._names}.source."),
            "at_target": archive_name(self.revision, f"{self._names}.target."),
        }

    @property
    def _ends(self) -> Iterable[tuple[str, str]]:
        """The relationships of the node, each with how what is kept of it begins."""
        return (("a", "$at_source"), ("b", "$at_target"))

    @property
    def _names(self) -> str:
        return ".".join((self.source, self.type, self.target, self.label))

    @property
    def _kept(self) -> str:
        return Mark.KEPT.of(self.revision, self._names)

    @property
    def _labels(self) -> str:
        return Mark.LABELLED.of(self.revision, self._names)

    def _remember(
        self,
        scope: Scope,
        shown: str,
        left: str,
        pattern: str,
        batch_size: int | None,
    ) -> Batched:
        variable = scope.variable
        return batched(
            f"remember {shown} that is there already",
            Rewrite.within(
                *(scope, left, f"SET {variable}.{quote(self._kept)} = true"),
                pattern=pattern,
                imported=variable,
            ),
            batch_size=batch_size,
            only_marks=True,
        )
