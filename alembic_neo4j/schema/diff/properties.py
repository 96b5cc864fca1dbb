"""Properties that come, go, change and get other names, on labels and on types."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Generic, TypeVar

from alembic_neo4j.schema.changes import (
    AddProperty,
    AlterProperty,
    Change,
    Placeholder,
    Removal,
    RemoveProperty,
    RenameProperty,
)
from alembic_neo4j.schema.conversions import PHYSICAL, conversion, is_lossy
from alembic_neo4j.schema.definitions import (
    EntityType,
    Node,
    Property,
    RelationshipType,
    Schema,
)
from alembic_neo4j.schema.diff.intermediate import Move, Refusal, Working, shown
from alembic_neo4j.schema.diff.renames import Owner, in_order
from alembic_neo4j.schema.property_classes import described_format, kind_of

# What existing nodes and relationships get where a property is added ------------------


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


# What a model declares under a key, changed so that every step can be undone ----------
#
# A change on a label reaches the models below it, and so does its reverse: adding a
# property to a base and taking it off again would take it off a subclass that had it
# before. So whatever is below is first brought into line, by declarations alone, and
# gets its own declaration back when its turn comes.


K = TypeVar("K", bound=Hashable)
D = TypeVar("D")


class Declarations(ABC, Generic[K, D]):
    """One aspect of the models: properties by name, or relationships by key.

    `changes` are those made so far, and applied to `working`.
    """

    def __init__(self, working: Working) -> None:
        self.working = working
        self.changes: list[Change] = []
        self._aside: dict[str, dict[K, D | None]] = {}

    @abstractmethod
    def declared(self, node: Node, key: K) -> D | None:
        """Return what the model declares under the key."""

    @abstractmethod
    def added(self, label: str, declared: D) -> Change:
        """Return the change that adds a declaration and touches no data."""

    @abstractmethod
    def removed(self, label: str, declared: D) -> Change:
        """Return the change that removes a declaration and touches no data."""

    @abstractmethod
    def visit(self, label: str) -> None:
        """Bring a model from what it declares to what it shall declare."""

    def compare(self) -> list[Change]:
        """Return the changes of all models that stay, bases first."""
        for label in self.working.kept():
            self._restore(label)
            self.visit(label)
        return self.changes

    def find(self, label: str, key: K) -> D | None:
        """Return what is declared on a label so far."""
        return self.declared(self.working.nodes[label], key)

    def wanted(self, label: str, key: K) -> D | None:
        """Return what shall be declared on a label."""
        node = self.working.after.nodes.get(label)
        return None if node is None else self.declared(node, key)

    def emit(self, label: str, change: Change) -> None:
        """Add a change that reaches the label and everything below it."""
        self.working.apply_below(change, label)
        self.changes.append(change)

    def align(self, label: str, key: K, wanted: D | None) -> None:
        """Let every model below the label declare the same."""
        for other in self.working.below(label):
            found = self.find(other, key)
            if found == wanted:
                continue
            if found is not None:
                self.clear(other, key)
            if wanted is not None:
                self.put(other, key, wanted)

    def clear(self, label: str, key: K) -> None:
        """Remove a declaration from the label and all below it, for the time being."""
        self._remember(label, key)
        declared = self.find(label, key)
        if declared is not None:
            self.align(label, key, declared)
            self.emit(label, self.removed(label, declared))

    def put(self, label: str, key: K, declared: D) -> None:
        """Add a declaration to the label and all below it, for the time being."""
        self._remember(label, key)
        self.align(label, key, None)
        self.emit(label, self.added(label, declared))

    def remember(self, label: str, key: K) -> None:
        """Keep what a model declares in mind, to be declared again in its turn."""
        self._aside.setdefault(label, {}).setdefault(key, self.find(label, key))

    def remembered(self, label: str, key: K) -> D | None:
        """Return what a model will get back."""
        return self._aside.get(label, {}).get(key)

    def amend(self, label: str, key: K, declared: D) -> None:
        """Change what a model will get back."""
        self._aside[label][key] = declared

    def remember_wanted_below(self, label: str, key: K) -> None:
        """Keep in mind what is below the label and shall stay declared."""
        for other in self.working.below(label):
            declared = self.find(other, key)
            if declared is not None and self.wanted(other, key) is not None:
                self.remember(other, key)

    def _remember(self, label: str, key: K) -> None:
        for other in self.working.reached(label):
            self.remember(other, key)

    def _restore(self, label: str) -> None:
        """Give a model its own declarations back, where something of it stays."""
        for key, own in sorted(self._aside.pop(label, {}).items(), key=_text_of_key):
            found = self.find(label, key)
            if found == own or self.wanted(label, key) is None:
                continue
            if found is not None:
                self.clear(label, key)
            if own is not None:
                self.put(label, key, own)
        self._aside.pop(label, None)


def _text_of_key(item: tuple[Hashable, object]) -> str:
    return repr(item[0])


# Properties that come, go, change and get other names, on labels and on types ---------


_FIELDS = tuple(f.name for f in fields(Property) if f.compare and f.name != "name")


def rename_properties(
    working: Working, wanted: Mapping[Owner, Mapping[str, str]]
) -> list[Change]:
    """Rename the properties, as far as the new names are free."""
    changes: list[Change] = []
    labels = {label for entity, label in wanted if entity is EntityType.NODE}
    for label in working.ordered(labels & working.nodes.keys()):
        node = working.after.nodes.get(label)
        if node is not None:
            pairs = _fitting(wanted[EntityType.NODE, label], working.nodes[label], node)
            pairs = _without_kept_below(working, label, pairs)
            reached = (working.nodes[other] for other in working.reached(label))
            taken = {p.name for model in reached for p in model.properties}
            owner = (EntityType.NODE, label)
            changes += _renamed(working, owner, pairs, taken)
    types = {type_ for entity, type_ in wanted if entity is EntityType.RELATIONSHIP}
    for type_ in sorted(types & working.types.keys()):
        declared = working.after.relationship_types.get(type_)
        if declared is not None:
            owner = (EntityType.RELATIONSHIP, type_)
            taken = {p.name for p in working.types[type_].properties}
            pairs = _fitting(wanted[owner], working.types[type_], declared)
            changes += _renamed(working, owner, pairs, taken)
    return changes


class NodeProperties(Declarations[str, Property]):
    """The properties of the models, by name."""

    def __init__(self, working: Working, demands: Demands) -> None:
        super().__init__(working)
        self._demands = demands

    def declared(self, node: Node, key: str) -> Property | None:
        """Return the model's property of this name."""
        return node.property(key)

    def added(self, label: str, declared: Property) -> Change:
        """Return the change that declares a property."""
        return AddProperty(EntityType.NODE, label, declared)

    def removed(self, label: str, declared: Property) -> Change:
        """Return the change that declares a property no more and keeps the values."""
        return RemoveProperty(EntityType.NODE, label, declared.name, "keep", declared)

    def visit(self, label: str) -> None:
        """Add, alter and remove the properties of a model.

        What is added comes first: a person may fill it from what is removed.
        """
        old, new = self.working.nodes[label], self.working.after.nodes[label]
        if old.properties == new.properties:
            return
        for declared in new.properties:
            if old.property(declared.name) is None:
                self._add(label, declared)
        for declared in new.properties:
            known = old.property(declared.name)
            if known is not None and known != declared:
                self._alter(label, known, declared)
        for declared in old.properties:
            if new.property(declared.name) is None:
                self._remove(label, declared)

    def _add(self, label: str, declared: Property) -> None:
        labels = {*self.working.nodes[label].labels, *self.working.below(label)}
        # What had values before keeps them: a downgrade goes by marks.
        backfill = self._demands.backfill(EntityType.NODE, labels, declared)
        self.align(label, declared.name, None)
        self.emit(label, AddProperty(EntityType.NODE, label, declared, backfill))

    def _remove(self, label: str, declared: Property) -> None:
        staying = [
            other
            for other in (*self.working.nodes[label].bases, *self.working.below(label))
            if self.wanted(other, declared.name) is not None
        ]
        self.remember_wanted_below(label, declared.name)
        self.align(label, declared.name, declared)
        values: Removal = "keep" if staying else "archive"
        if staying:
            self.working.note(
                f"the values of {shown(label, declared.name)} are kept: "
                f"{', '.join(sorted(map(shown, staying)))} still declares it",
                label,
            )
        else:
            touch(
                self.working,
                EntityType.NODE,
                self.working.reached(label),
                declared.name,
            )
        self.emit(
            label,
            RemoveProperty(EntityType.NODE, label, declared.name, values, declared),
        )

    def _alter(self, label: str, old: Property, new: Property) -> None:
        change = altered(EntityType.NODE, label, old, new)
        converts = change.using is not None or change.reverse_using is not None
        if converts:
            self._align_values(label, old)
            touch(self.working, EntityType.NODE, self.working.reached(label), old.name)
        names = [name for name, _ in change.values]
        for other in self.working.below(label):
            found = self.find(other, old.name)
            if found is not None and not _alike(found, old, names):
                self.clear(other, old.name)
        if converts:
            for other in self.working.below(label):
                own = self.remembered(other, old.name)
                if own is not None:
                    self.amend(other, old.name, _stored_like(own, new))
        self.emit(label, change)
        remark(self.working, label, old, new)

    def _align_values(self, label: str, old: Property) -> None:
        """Let the values below be stored as those that are going to be converted."""
        for other in self.working.below(label):
            found = self.find(other, old.name)
            if found is not None and conversion(found, old):
                self._alter(other, found, _stored_like(found, old))


def compare_type_properties(
    working: Working, demands: Demands, old: RelationshipType, new: RelationshipType
) -> list[Change]:
    """Return the changes of the properties of a relationship type."""
    entity, type_ = EntityType.RELATIONSHIP, new.type
    added: list[Change] = []
    changed: list[Change] = []
    removed: list[Change] = []
    for declared in new.properties:
        known = old.property(declared.name)
        if known is None:
            backfill = demands.backfill(entity, [type_], declared)
            added.append(AddProperty(entity, type_, declared, backfill))
        elif known != declared:
            change = altered(entity, type_, known, declared)
            if change.using is not None or change.reverse_using is not None:
                touch(working, entity, [type_], declared.name)
            changed.append(change)
            remark(working, type_, known, declared)
    for declared in old.properties:
        if new.property(declared.name) is None:
            touch(working, entity, [type_], declared.name)
            removed.append(
                RemoveProperty(entity, type_, declared.name, "archive", declared)
            )
    return [*added, *changed, *removed]


def altered(
    entity: EntityType, owner: str, old: Property, new: Property
) -> AlterProperty:
    """Return the one change that makes a property what it shall be."""
    names = sorted(n for n in _FIELDS if getattr(old, n) != getattr(new, n))
    values = conversion(old, new)
    return AlterProperty(
        entity,
        owner,
        old.name,
        tuple((name, getattr(new, name)) for name in names),
        tuple((name, getattr(old, name)) for name in names),
        values.using,
        values.reverse_using,
    )


def touch(
    working: Working, entity: EntityType, labels: Iterable[str], name: str
) -> None:
    """Remember that the values of a property change, on all of these labels."""
    working.touched.update((entity, label, name) for label in labels)


def remark(working: Working, owner: str, old: Property, new: Property) -> None:
    """Remember what a person should know of a changed property."""
    what = shown(owner, new.name)
    given = (old.default, old.default_factory)
    if given != (new.default, new.default_factory) and given != (None, None):
        before, after = _default(old), _default(new)
        working.note(
            f"the default of {what} changes from {before} to {after}; what has got "
            "the old one keeps it",
            owner,
        )
    kept = new.format is not None and not conversion(old, new)
    if kept and kind_of(old) != kind_of(new):
        working.note(
            f"the values of {what} stay as they are, and are read as "
            f"{described_format(new.format or '')} from now on",
            owner,
        )
    if is_lossy(old, new):
        working.note(
            f"converting {what} from {old.type} to {new.type} keeps a part of each "
            "value only; a downgrade brings back what has not changed since",
            owner,
        )


def _fitting(
    wanted: Mapping[str, str],
    old: Node | RelationshipType,
    new: Node | RelationshipType,
) -> dict[str, str]:
    return {
        before: after
        for before, after in wanted.items()
        if before != after and old.property(before) and new.property(after)
    }


def _without_kept_below(
    working: Working, label: str, pairs: Mapping[str, str]
) -> dict[str, str]:
    """Return the renames that take no values from a model below that keeps them."""
    kept = dict(pairs)
    for old in pairs:
        keeping = [
            other
            for other in working.below(label)
            if old not in pairs.values()
            and _declares(working.nodes.get(other), old)
            and _declares(working.after.nodes.get(other), old)
        ]
        if keeping:
            why = (
                f"{', '.join(map(shown, keeping))} keeps {shown(old)}, and a rename "
                "would take its values along"
            )
            working.refuse(Refusal(EntityType.NODE, label, old, kept.pop(old), why))
    return kept


def _declares(node: Node | None, name: str) -> bool:
    return node is not None and node.property(name) is not None


def _attribute(working: Working, owner: Owner, old: str, new: str) -> str | None:
    """Return the model's name for a renamed property where it does not follow."""
    entity, label = owner
    ours: Node | RelationshipType | None
    theirs: Node | RelationshipType | None
    if entity is EntityType.NODE:
        ours, theirs = working.nodes.get(label), working.after.nodes.get(label)
    else:
        ours = working.types.get(label)
        theirs = working.after.relationship_types.get(label)
    before = ours.property(old) if ours else None
    wanted = theirs.property(new) if theirs else None
    if before is None or wanted is None:
        return None
    follows = new if before.attribute == old else before.attribute
    return None if wanted.attribute == follows else wanted.attribute


def _renamed(
    working: Working, owner: Owner, pairs: Mapping[str, str], taken: Iterable[str]
) -> list[Change]:
    entity, label = owner
    steps, refused = in_order(pairs, taken)
    changes: list[Change] = []
    for old, new in steps:
        attribute = _attribute(working, owner, old, new)
        change = RenameProperty(entity, label, old, new, attribute=attribute)
        if entity is EntityType.NODE:
            reached = {label, *working.reached(label)}
            working.apply_below(change, label)
        else:
            reached = {label}
            declared = working.types[label]
            working.types[label] = change.renamed(declared)
        working.moves.append(Move(change, frozenset(reached)))
        changes.append(change)
    for old, new in refused:
        others = [o for o, n in sorted(pairs.items()) if n == new and o != old]
        why = (
            f"{shown(others[0])} is to be called so too"
            if others
            else f"{shown(new)} is in use already"
        )
        why += ", and which of two values stays is for a person to write"
        working.refuse(Refusal(entity, label, old, new, why))
    return changes


def _alike(first: Property, second: Property, names: Iterable[str]) -> bool:
    return all(getattr(first, name) == getattr(second, name) for name in names)


def _stored_like(declared: Property, model: Property) -> Property:
    return replace(declared, **{name: getattr(model, name) for name in PHYSICAL})


def _default(declared: Property) -> str:
    if declared.default_factory is not None:
        return shown(declared.default_factory)
    return "none" if declared.default is None else repr(declared.default)
