"""Which classes are read, and what happens where modules can't be."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from alembic_neo4j.errors import ModelError
from alembic_neo4j.schema.models import ModelSchema, read_models

Read = Callable[[str], ModelSchema]
Write = Callable[..., None]

PERSON = "class Person(StructuredNode):\n    name = StringProperty(index=True)\n"


@pytest.mark.usefixtures("shop")
def test_a_package_is_read_whole_and_a_module_alone() -> None:
    assert sorted(read_models(["shop"]).schema.nodes) == [
        "Catalogue Entry",
        "City",
        "Customer",
        "Note",
        "Person",
        "Product`s",
    ]
    assert sorted(read_models(["shop.bases"]).schema.nodes) == ["Catalogue Entry"]


def test_packages_below_packages_are_imported_but_main_is_not(write: Write) -> None:
    write("pkg/__init__.py", "")
    write("pkg/__main__.py", "raise SystemExit('run')")
    write("pkg/deep/__init__.py", "")
    write("pkg/deep/deeper.py", PERSON)
    assert sorted(read_models(["pkg"]).schema.nodes) == ["Person"]


def test_what_a_module_only_imports_is_not_its_own(write: Write) -> None:
    write("elsewhere.py", PERSON)
    write("pkg/__init__.py", "from elsewhere import Person\nfrom pkg.own import Own\n")
    write("pkg/own.py", "class Own(StructuredNode):\n    pass\n")
    assert sorted(read_models(["pkg"]).schema.nodes) == ["Own"]
    assert sorted(read_models(["pkg", "elsewhere"]).schema.nodes) == ["Own", "Person"]


def test_a_package_is_not_one_that_starts_alike(write: Write) -> None:
    write("app/__init__.py", "class A(StructuredNode):\n    pass\n")
    write("app_b.py", "from app import A\nclass B(A):\n    pass\n")
    assert sorted(read_models(["app"]).schema.nodes) == ["A"]
    __import__("app_b")
    assert sorted(read_models(["app"]).schema.nodes) == ["A"]


def test_a_base_outside_gives_label_and_properties_but_is_no_model(
    write: Write,
) -> None:
    write("elsewhere.py", PERSON)
    write(
        "app.py",
        """
        from elsewhere import Person

        class Child(Person):
            other = RelationshipTo("Person", "OTHER")
        """,
    )
    result = read_models(["app"])
    assert result.schema.nodes["Child"].bases == ("Person",)
    assert list(result.schema.nodes) == ["Child"]
    assert [i.name for i in result.schema.indexes.values()] == ["index_Child_name"]
    assert result.schema.nodes["Child"].relationships[0].target == "Person"
    assert result.warnings == (
        "app.Child (app.py:6): other: its target 'Person' (elsewhere.Person) has no "
        "model in neo4j.models.",
        "elsewhere.Person (elsewhere.py:3): models inherit its label 'Person' and "
        "carry it, but it is not in neo4j.models, so its own indexes are not managed.",
    )


def test_a_class_defined_again_replaces_the_first(read: Read) -> None:
    schema = read(
        """
        class Person(StructuredNode):
            old = StringProperty(index=True)

        Old = Person

        class Person(StructuredNode):
            new = StringProperty()
        """
    ).schema
    assert [p.name for p in schema.nodes["Person"].properties] == ["new"]
    assert not schema.indexes


def test_a_module_imported_again_leaves_nothing_behind(read: Read) -> None:
    first = read("class Old(StructuredNode):\n    pass\n")
    kept = sys.modules["app"].Old
    second = read("class New(StructuredNode):\n    pass\n")
    assert list(first.schema.nodes) == ["Old"]
    assert kept.__name__ == "Old"
    assert list(second.schema.nodes) == ["New"]


def test_classes_that_functions_make_count_where_the_module_keeps_them(
    read: Read,
) -> None:
    schema = read(
        """
        def make(label):
            class Made(StructuredNode):
                __label__ = label
            return Made

        One = make("One")
        BY_NAME = {"two": make("Two")}
        LIST = [make("Three")]

        class Holder:
            Four = make("Four")

            class Five(StructuredNode):
                pass

        make("Forgotten")
        Typed = type("Six", (StructuredNode,), {"__module__": __name__})
        """
    ).schema
    assert sorted(schema.nodes) == ["Five", "Four", "One", "Six", "Three", "Two"]


def test_one_file_under_two_names_is_read_once(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "def code():\n    return ''\n"
        "class Since(StructuredRel):\n    since = DateProperty(index=True)\n"
        "class Person(StructuredNode):\n"
        "    __kgid__ = 'person'\n"
        "    code = StringProperty(default=code, unique_index=True)\n"
    )
    write("pkg/__init__.py", "")
    write("pkg/models.py", source)
    monkeypatch.syspath_prepend("pkg")
    result = read_models(["models", "pkg.models"])
    assert list(result.schema.nodes) == ["Person"]
    assert result.warnings == ()
    assert result.models == 1


def test_nothing_connects_when_modules_configure_neomodel(read: Read) -> None:
    schema = read(
        """
        from neomodel import db, get_config

        get_config().database_url = "bolt://neo4j:secret@192.0.2.1:7687"

        class Person(StructuredNode):
            name = StringProperty()

        assert db.driver is None
        """
    ).schema
    assert list(schema.nodes) == ["Person"]


@pytest.mark.parametrize(
    "package", ["nowhere", "app.nowhere", "app.py", "models/app.py", ".app", ""]
)
def test_a_package_that_is_not_there_is_an_error(write: Write, package: str) -> None:
    write("app.py", PERSON)
    with pytest.raises(ModelError) as raised:
        read_models([package])
    assert str(raised.value).startswith(
        f"neo4j.models: there is no module or package {package!r} ("
    )
    assert "prepend_sys_path" in str(raised.value)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero (app/broken.py:3)."),
        ("x = (", "SyntaxError: '(' was never closed (broken.py, line 3)"),
        (
            "import no_such_library",
            "ModuleNotFoundError: No module named 'no_such_library' (app/broken.py:3).",
        ),
        ("raise SystemExit(3)", "SystemExit: 3 (app/broken.py:3)."),
        ("raise RuntimeError", "RuntimeError (app/broken.py:3)."),
    ],
)
def test_a_module_that_can_t_be_imported_is_an_error(
    write: Write, source: str, what: str
) -> None:
    write("app/__init__.py", PERSON)
    write("app/broken.py", source)
    with pytest.raises(ModelError) as raised:
        read_models(["app"])
    message = str(raised.value)
    assert message.startswith(
        f"neo4j.models: module 'app.broken' can't be imported. {what}"
    )
    assert "app/broken.py:3" in message
    assert raised.value.__cause__ is not None


def test_an_error_of_neomodel_is_shown_with_the_line_of_the_model(
    write: Write,
) -> None:
    write("app.py", "class Person(StructuredNode):\n    id = StringProperty()\n")
    with pytest.raises(ModelError, match=r"'id' is not allowed") as raised:
        read_models(["app"])
    assert "(app.py:3, raised at " in str(raised.value)
    assert "node.py:" in str(raised.value)


@pytest.mark.parametrize(
    "source", ["", "class A(StructuredNode):\n    __abstract_node__ = True\n"]
)
def test_no_model_at_all_is_an_error(read: Read, source: str) -> None:
    with pytest.raises(ModelError) as raised:
        read(source)
    assert str(raised.value).startswith(
        "neo4j.models = app: no StructuredNode with a label found; "
    )


def test_no_package_at_all_is_an_error() -> None:
    with pytest.raises(ModelError, match=r"neo4j\.models is empty"):
        read_models([])


def test_a_package_without_a_model_is_warned_about(write: Write) -> None:
    write("app.py", PERSON)
    write("empty.py", "from app import Person\n")
    assert read_models(["app", "empty"]).warnings == (
        "neo4j.models: no model with a label is defined in 'empty'; a class counts "
        "where it is defined.",
    )
