"""What the graph holds: files, classes and functions of source code."""

from neomodel import (
    ArrayProperty,
    IntegerProperty,
    RelationshipTo,
    StringProperty,
    StructuredNode,
    StructuredRel,
)


class Reference(StructuredRel):
    """Where in the source one thing names another."""

    line = IntegerProperty()


class Node(StructuredNode):
    """What every node of the graph is; its name is indexed once, for all of them."""

    name = StringProperty(index=True, required=True)
    repo_id = StringProperty(required=True)
    lines = ArrayProperty(IntegerProperty())
    docstring = StringProperty()


class File(Node):
    """A file of source code; its path tells it from every other one."""

    path = StringProperty(unique_index=True, required=True)
    name = StringProperty(required=True)
    repo_id = StringProperty(index=True, required=True)

    classes = RelationshipTo("Class", "CONTAINS")
    functions = RelationshipTo("Function", "CONTAINS")
    imports = RelationshipTo("File", "IMPORTS", model=Reference)


class Class(Node):
    """A class, by its fully qualified name."""

    fqn = StringProperty(unique_index=True, required=True)
    name = StringProperty(required=True)

    bases = RelationshipTo("Class", "EXTENDS", model=Reference)
    methods = RelationshipTo("Function", "HAS_METHOD")


class Function(Node):
    """A function or a method, by its fully qualified name."""

    fqn = StringProperty(unique_index=True, required=True)
    name = StringProperty(required=True)
    callers = IntegerProperty()

    calls = RelationshipTo("Function", "CALLS", model=Reference)
