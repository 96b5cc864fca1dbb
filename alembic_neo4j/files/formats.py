"""The texts of settings files: JSON, TOML and YAML as data, and back without a loss."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

from alembic_neo4j.errors import FileError, MissingExtra
from alembic_neo4j.sentences import ended, unended

if TYPE_CHECKING:
    from ruamel.yaml import YAML


class FileFormat(Enum):
    """How a file writes its data."""

    JSON = "json"
    TOML = "toml"
    YAML = "yaml"


def decode(format: FileFormat, content: bytes, path: str) -> Any:
    """Return the data of a file; `path` is for messages.

    Those of TOML and YAML know their comments and how they are written. Raises
    FileError where it is no such file, MissingExtra where a library is missing.
    """
    text = _text(content, path)
    try:
        return _READERS[format](text)
    except ImportError as error:
        raise _missing(format) from error
    except Exception as error:
        raise FileError(
            f"{path}: expected {format.name}, found what is none: {ended(error)} "
            "Mend the file and run the same command again"
        ) from error


def empty(format: FileFormat) -> Any:
    """Return the data of a file that is not there."""
    if format is not FileFormat.TOML:
        return {}
    try:
        import tomlkit
    except ImportError as error:
        raise _missing(format) from error
    return tomlkit.document()


def encode(format: FileFormat, data: Any, path: str, old: bytes | None) -> bytes:
    """Return the bytes of a file with the data, in UTF-8 and with a newline at its end.

    `old` is what the file has now, None where there is none: YAML is indented as that
    is, and lines end as there. Raises FileError for data that the format has no form
    for, MissingExtra where a library is missing.
    """
    before = "" if old is None else _text(old, path)
    try:
        text = _WRITERS[format](data, before)
        text = text if text.endswith("\n") else f"{text}\n"
        if 0 < before.count("\r\n") == before.count("\n"):
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        return text.encode()
    except ImportError as error:
        raise _missing(format) from error
    except Exception as error:
        raise FileError(
            f"{path}: expected data that {format.name} can hold, found other ones: "
            f"{unended(error)}"
        ) from error


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path}: expected text in UTF-8, found another byte at {error.start}. "
            "Save the file as UTF-8 and run the same command again"
        ) from None


def _missing(format: FileFormat) -> MissingExtra:
    library = "tomlkit" if format is FileFormat.TOML else "ruamel.yaml"
    return MissingExtra(
        f"Expected {library}, which reads and writes {format.name}, found it not "
        'installed. Run: pip install "alembic-neo4j[files]"'
    )


def _to_json(data: Any, _before: str) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)


def _read_toml(text: str) -> Any:
    import tomlkit

    return tomlkit.parse(text)


def _to_toml(data: Any, _before: str) -> str:
    import tomlkit

    return tomlkit.dumps(data)


def _read_yaml(text: str) -> Any:
    data = _yaml().load(text.replace("\r\n", "\n"))
    return {} if data is None else data


def _to_yaml(data: Any, before: str) -> str:
    wanted = before.replace("\r\n", "\n")
    if wanted.strip() and _yaml().load(wanted) is None:
        # Comments alone are nobody's whom they would stay with.
        return f"{wanted.rstrip()}\n{_written(_yaml(), data) if data else ''}"
    # That with which the file would be as it is, were nothing changed.
    for indents in _INDENTS if wanted.strip() else ():
        for starts in (False, True):
            yaml = _yaml(indents, starts=starts)
            if _written(yaml, yaml.load(wanted)) == wanted:
                return _written(yaml, data)
    starts = any(line.startswith("---") for line in wanted.splitlines())
    return _written(_yaml(starts=starts), data)


_INDENTS = ((2, 2, 0), (2, 4, 2), (4, 4, 2), (4, 4, 0), (4, 2, 0), (4, 6, 4), (2, 3, 1))
"""How far mappings, sequences and their dashes are indented, what is usual first."""


def _yaml(indents: tuple[int, int, int] = _INDENTS[0], *, starts: bool = False) -> YAML:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    # Long lines stay long.
    yaml.width = 1_000_000
    mapping, sequence, offset = indents
    yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
    yaml.explicit_start = starts
    return yaml


def _written(yaml: YAML, data: Any) -> str:
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


_READERS: dict[FileFormat, Callable[[str], Any]] = {
    FileFormat.JSON: json.loads,
    FileFormat.TOML: _read_toml,
    FileFormat.YAML: _read_yaml,
}
_WRITERS: dict[FileFormat, Callable[[Any, str], str]] = {
    FileFormat.JSON: _to_json,
    FileFormat.TOML: _to_toml,
    FileFormat.YAML: _to_yaml,
}
