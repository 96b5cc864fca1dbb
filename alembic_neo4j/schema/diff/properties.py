"""Properties that come, go, change and get other names, on labels and on types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

from alembic_neo4j.schema.changes import (
    AddProperty,
    AlterProperty,
    Change,
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
)
from alembic_neo4j.schema.diff.backfill import Demands
from alembic_neo4j.schema.diff.declarations import Declarations
from alembic_neo4j.schema.diff.intermediate import Move, Refusal, Working
from alembic_neo4j.schema.diff.remarks import shown
from alembic_neo4j.schema.diff.renames import Owner, in_order
from alembic_neo4j.schema.property_classes import described_format, kind_of

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
