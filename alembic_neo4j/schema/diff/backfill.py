"""What existing nodes and relationships get where a property is added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alembic_neo4j.schema.changes import Placeholder
from alembic_neo4j.schema.definitions import EntityType, Property, Schema

_NOW: Mapping[str, str] = {
    "FLOAT": "datetime().epochMillis / 1000.0",
    "LOCAL DATETIME": "localdatetime()",
    "ZONED DATETIME": "datetime()",
    "LOCAL DATETIME | ZONED DATETIME": "datetime()",
}
_UNIQUE_IDS: Mapping[str, str] = {
    "uuid4.hex": "replace(randomUUID(), '-', '')",
    "uuid.uuid4": "randomUUID()",
}


@dataclass(frozen=True)
class Demands:
    """Which properties constraints want to be unique, and which to be there.

    Both are sets of entity, label or type, and property.
    """

    unique: frozenset[tuple[EntityType, str, str]]
    present: frozenset[tuple[EntityType, str, str]]

    @classmethod
    def of(cls, schema: Schema) -> Demands:
        """Return what the constraints of a schema demand."""
        unique, present = set(), set()
        for element in schema.constraints.values():
            places = [(element.entity, element.label, p) for p in element.properties]
            if len(places) == 1 and element.kind.traits.unique:
                unique.update(places)
            if element.kind.traits.present:
                present.update(places)
        return cls(frozenset(unique), frozenset(present))

    def backfill(
        self, entity: EntityType, labels: Iterable[str], declared: Property
    ) -> bool | str | Placeholder | None:
        """Return how a new property is filled in, as AddProperty has it.

        `labels` are those that carriers of the property may have.
        """
        places = {(entity, label, declared.name) for label in labels}
        unique = not self.unique.isdisjoint(places)
        needed = declared.required or not self.present.isdisjoint(places)
        if declared.default is not None:
            # The same value everywhere is what a unique constraint refuses.
            return Placeholder.FILL_IN if unique else True
        if declared.default_factory is not None:
            if not (unique or needed):
                return None
            return _each_its_own(declared) or Placeholder.FILL_IN
        return Placeholder.FILL_IN if needed else None


def _each_its_own(declared: Property) -> str | None:
    if declared.type == "STRING":
        return _UNIQUE_IDS.get(declared.default_factory or "")
    return _NOW.get(declared.type) if declared.default_factory == "now" else None
