"""Models that come, go and get other names, and the labels that they carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from alembic_neo4j.schema.changes import (
    AddLabel,
    AddNode,
    AlterNode,
    Change,
    RemoveLabel,
    RemoveNode,
    RenameLabel,
)
from alembic_neo4j.schema.definitions import EntityType, Node
from alembic_neo4j.schema.diff.intermediate import (
    Move,
    Note,
    Refusal,
    Working,
    heights,
    quoted,
    run_cypher,
    shown,
)
from alembic_neo4j.schema.diff.renames import in_order

_ALTERABLE = ("databases", "kgid", "open", "optional_labels")


def rename_labels(working: Working, wanted: Mapping[str, str]) -> list[Change]:
    """Rename the labels, as far as the new ones are free."""
    fitting = {
        old: new
        for old, new in wanted.items()
        if old != new and old in working.nodes and new in working.after.nodes
    }
    if not fitting:
        return []
    mentions = _mentions(working.nodes.values())
    steps, refused = in_order(fitting, mentions)
    first_name = {label: label for label in working.nodes}
    name_of = dict(first_name)
    changes: list[Change] = []
    for old, new in steps:
        change = RenameLabel(old, new)
        mentions[new] = mentions.pop(old)
        working.apply(change, [name_of[first] for first in mentions[new]])
        working.moves.append(Move(change, frozenset({old, new})))
        first_name[new] = first_name.pop(old)
        name_of[first_name[new]] = new
        changes.append(change)
    for old, new in refused:
        others = [o for o, n in sorted(fitting.items()) if n == new and o != old]
        why = (
            f"{shown(others[0])} is to be called so too"
            if others
            else f"{shown(new)} is in use already"
        )
        why += ", and a downgrade could not tell their nodes apart"
        working.refuse(Refusal(EntityType.NODE, None, old, new, why))
    return changes


def remove_nodes(working: Working) -> list[Change]:
    """Remove the models that are declared no more; their nodes stay."""
    working.order_like(working.nodes)
    gone = working.ordered(n for n in working.nodes if n not in working.after.nodes)
    carried: dict[str, list[str]] = {}
    for node in working.after.nodes.values() if gone else ():
        for base in node.bases:
            carried.setdefault(base, []).append(node.label)
    changes: list[Change] = []
    for label in reversed(gone):
        heir = _heir(working, working.nodes[label])
        changes.append(RemoveNode(label, working.nodes[label]))
        working.remove(label)
        working.notes.append(_what_stays(label, carried.get(label, []), heir))
    return changes


def _heir(working: Working, gone: Node) -> str | None:
    """Return the label that was there before and has got the __kgid__ of a gone one."""
    if gone.kgid is None:
        return None
    nodes = working.after.nodes.values()
    labels = (n.label for n in nodes if n.kgid == gone.kgid)
    return next((label for label in labels if label in working.nodes), None)


def with_all_bases(nodes: Mapping[str, Node]) -> dict[str, Node]:
    """Return the models whose bases lack a base of a base, with all of them.

    Python's classes have them all. A history that a person has written may not, and
    then a change on a label would not reach the same models as its reverse.
    """
    completed: dict[str, Node] = {}
    above: dict[str, set[str]] = {}
    height = heights(nodes)
    for label in sorted(nodes, key=height.__getitem__):
        node = nodes[label]
        found = set(node.bases).union(*(above.get(base, ()) for base in node.bases))
        above[label] = found - {label}
        if len(above[label]) > len(node.bases):
            completed[label] = replace(node, bases=tuple(above[label]))
    return completed


def complete_bases(working: Working) -> list[Change]:
    """Declare the models anew whose bases lack a base of a base."""
    completed = with_all_bases(working.nodes)
    if not completed or working.nodes == working.after.nodes:
        return []
    changes: list[Change] = []
    for label in sorted(completed):
        changes += redeclared(working.nodes[label], completed[label])
        working.replace(completed[label])
    return changes


def redeclared(old: Node, new: Node) -> list[Change]:
    """Return the changes that put one declaration in another's place, data aside."""
    return [RemoveNode(old.label, old), AddNode(new)]


def remove_labels(working: Working) -> list[Change]:
    """Take the labels off nodes whose models have lost a base."""
    working.order_like(working.nodes)
    changes: list[Change] = []
    for label in working.kept():
        kept = working.after.nodes[label].bases
        for base in sorted(set(working.nodes[label].bases) - set(kept)):
            changes.append(_applied(working, RemoveLabel(label, base)))
    return changes


def add_labels(working: Working) -> list[Change]:
    """Give nodes the labels of the bases that their models have got."""
    at_first = dict(working.nodes)
    working.order_like(working.after.nodes)
    changes: list[Change] = []
    for label in working.kept():
        wanted = working.after.nodes[label].bases
        for base in sorted(set(wanted) - set(working.nodes[label].bases)):
            # On the way back every one below loses the label.
            for other in working.below(label):
                if base in working.nodes[other].bases and base in at_first[other].bases:
                    changes.append(_applied(working, RemoveLabel(other, base)))
            changes.append(_applied(working, AddLabel(label, base)))
    return changes


def alter_nodes(working: Working) -> list[Change]:
    """Change what models declare of their nodes as a whole."""
    changes: list[Change] = []
    for label in working.kept():
        old, new = working.nodes[label], working.after.nodes[label]
        names = [n for n in _ALTERABLE if getattr(old, n) != getattr(new, n)]
        if names:
            change = AlterNode(
                label,
                tuple((name, getattr(new, name)) for name in names),
                tuple((name, getattr(old, name)) for name in names),
            )
            working.apply(change, [label])
            changes.append(change)
            _remark(working, old, new)
    return changes


def add_nodes(working: Working) -> tuple[list[Change], list[Change]]:
    """Return the models that are new: to be added before all else, and after.

    A change on a label reaches the models below it, so a new one has to wait until
    everything above it is as it shall be.
    """
    nodes = working.after.nodes
    new = {label: node for label, node in nodes.items() if label not in working.nodes}
    height = heights(new)
    first: list[Change] = []
    last: list[Change] = []
    for label in sorted(new, key=lambda label: (height[label], label)):
        waits = not working.changed.isdisjoint(new[label].labels)
        (last if waits else first).append(AddNode(new[label]))
    return first, last


def _mentions(nodes: Iterable[Node]) -> dict[str, set[str]]:
    """Return which models mention each label in any way."""
    found: dict[str, set[str]] = {}
    for node in nodes:
        targets = (r.target for r in node.relationships)
        for label in (*node.labels, *node.optional_labels, *targets):
            found.setdefault(label, set()).add(node.label)
    return found


def _what_stays(label: str, carriers: list[str], heir: str | None) -> Note:
    if carriers:
        return Note(
            f"{shown(label)} is declared no more, and nodes keep the label: it is a "
            f"base of {', '.join(sorted(map(shown, carriers)))}",
            label,
        )
    if heir is not None:
        return Note(
            f"{shown(heir)} has the __kgid__ of {shown(label)} and was there before, "
            f"so nodes keep the label {shown(label)}; to bring them together:",
            label,
            run_cypher(f"MATCH (n:{quoted(label)}) SET n:{quoted(heir)}"),
        )
    return Note(
        f"nodes keep the label {shown(label)}; to delete them:",
        label,
        run_cypher(f"MATCH (n:{quoted(label)}) DETACH DELETE n"),
    )


def _applied(working: Working, change: AddLabel | RemoveLabel) -> Change:
    working.apply_below(change, change.label)
    return change


def _remark(working: Working, old: Node, new: Node) -> None:
    label = new.label
    for gone in sorted(set(old.optional_labels) - set(new.optional_labels)):
        remove = run_cypher(
            f"MATCH (n:{quoted(label)}:{quoted(gone)}) REMOVE n:{quoted(gone)}"
        )
        working.note(
            f"nodes of {shown(label)} that have the label {shown(gone)} keep it; "
            "to take it off:",
            label,
            remove,
        )
    if old.open and not new.open:
        working.note(
            f"{shown(label)} allows declared properties only from here on; others "
            "that its nodes have stay",
            label,
        )
