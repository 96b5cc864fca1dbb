"""What is read from a settings file is written again with nothing else changed."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_neo4j.errors import FileError, MissingExtra
from alembic_neo4j.files.formats import FileFormat, decode, empty, encode

JSON, TOML, YAML = FileFormat

DOCUMENTS = {
    "comments.yaml": "# top\na: 1   # one\n\n# about b\nb: {c: 'q', d: \"e\"}\n",
    "starts.yaml": "---\n# top\na:\n  - 1\n  - two   # 2\n",
    "indented.yaml": "hooks:\n    - learn   # first\n    - name: 'x'\n      run: y\n",
    "dashes.yaml": "hooks:\n  - learn\n  - a: 1\n    b: 2\nmore:\n  deep:\n    - x\n",
    "flush.yaml": "hooks:\n- learn\n- stop\n",
    "wide.yaml": "a:\n    b:\n        c: 1\n        d: |\n            text\n",
    "long.yaml": f"a: {'word ' * 60}end\n",
    "list.yaml": "- a\n- b: 1\n",
    "anchors.yaml": "base: &base\n  a: 1\nother:\n  <<: *base\n  b: 2\n",
    "dated.yaml": "at: 2024-01-02\nyes: yes\noctal: 0o17\nversion: '1.10'\n",
    "windows.yaml": "# top\r\na:\r\n  - 1\r\n",
    "plain.toml": "# top\na = 1   # one\n\n[b]\nc = 'q'\nd = \"e\"\n\n[[e]]\nf = []\n",
    "inline.toml": "a = { b = 1, c = [\n  1,   # one\n] }\n[x.y]\nz = 1979-05-27\n",
    "windows.toml": "# top\r\n[a]\r\nb = 1 # one\r\n",
    "plain.json": '{\n  "ü": [\n    1,\n    2.5\n  ],\n  "b": null\n}\n',
}


def format_of(name: str) -> FileFormat:
    return FileFormat(name.rpartition(".")[2])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_was_read_is_written_as_it_was(name: str) -> None:
    content = DOCUMENTS[name].encode()
    data = decode(format_of(name), content, name)
    assert encode(format_of(name), data, name, content).decode() == DOCUMENTS[name]


@pytest.mark.parametrize(
    "name", [n for n in DOCUMENTS if n not in ("list.yaml", "plain.json")]
)
def test_a_change_leaves_every_line_that_it_is_not_about(name: str) -> None:
    content = DOCUMENTS[name].encode()
    data = decode(format_of(name), content, name)
    data["zz"] = "new"
    written = encode(format_of(name), data, name, content).decode()
    left = iter(written.splitlines(keepends=True))
    assert all(line in left for line in DOCUMENTS[name].splitlines(keepends=True))
    assert decode(format_of(name), written.encode(), name)["zz"] == "new"
    if "windows" in name:
        assert written.count("\r\n") == written.count("\n")


_SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text()
_VALUES = st.recursive(
    _SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(_VALUES)
def test_json_keeps_data_and_the_order_of_keys(data: Any) -> None:
    written = encode(JSON, data, "a.json", None)
    assert written.endswith(b"\n")
    back = decode(JSON, written, "a.json")
    assert json.dumps(back) == json.dumps(data)


def test_json_is_indented_by_two_and_not_escaped() -> None:
    written = encode(JSON, {"b": "é", "a": [1]}, "a.json", None)
    assert written.decode() == '{\n  "b": "é",\n  "a": [\n    1\n  ]\n}\n'


def test_comments_alone_stay_where_data_come() -> None:
    content = b"# nothing yet\n"
    data = decode(YAML, content, "a.yaml")
    data["a"] = 1
    assert encode(YAML, data, "a.yaml", content) == b"# nothing yet\na: 1\n"


@pytest.mark.parametrize("format", FileFormat)
def test_a_file_that_is_not_there_has_nothing(format: FileFormat) -> None:
    assert empty(format) == {}


@pytest.mark.parametrize(
    ("format", "content"),
    [
        *((JSON, text) for text in (b"", b"{", b"{'a': 1}")),
        (TOML, b"a = "),
        *((YAML, text) for text in (b"a: [", b"a: 1\n---\nb: 2\n", b"a: 1\na: 2\n")),
        *((format, b"\xff\xfe{") for format in FileFormat),
    ],
)
def test_what_is_no_such_file_is_told(format: FileFormat, content: bytes) -> None:
    with pytest.raises(FileError, match=r"settings: expected"):
        decode(format, content, "settings")


@pytest.mark.parametrize(
    ("format", "data"),
    [
        *((JSON, data) for data in ({1, 2}, float("nan"), "\ud800", object())),
        *((TOML, data) for data in ([1], {"a": object()}, 5)),
        (YAML, {"a": object()}),
    ],
)
def test_data_without_a_form_are_told(format: FileFormat, data: Any) -> None:
    with pytest.raises(FileError, match="can hold"):
        encode(format, data, "settings", None)


@pytest.mark.parametrize(
    ("format", "library"), [(TOML, "tomlkit"), (YAML, "ruamel.yaml")]
)
def test_a_library_that_is_missing_is_named_with_its_extra(
    format: FileFormat, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    for act in (
        lambda: decode(format, b"", "a"),
        lambda: encode(format, {}, "a", None),
    ):
        with pytest.raises(MissingExtra, match=r"alembic-neo4j\[files\]"):
            act()
