"""Bundles: all versions of a store at one moment, in one encrypted text.

Within the age format a bundle is JSON Lines, packed by gzip: a first line that says
what it is, the sites and forks, a line for each version, and a last one that counts
them. A bundle is opened in memory, so nothing of it is on a disk unencrypted.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, select
from sqlalchemy.exc import DBAPIError

from alembic_neo4j.entities.encryption import BundleKeys
from alembic_neo4j.entities.entity import Entity
from alembic_neo4j.entities.json_values import json_text
from alembic_neo4j.entities.opening import check_readable
from alembic_neo4j.entities.repository import EntityRepository, check_site
from alembic_neo4j.entities.tables import forks, sites, versions
from alembic_neo4j.entities.versioning import vector_of, version_of
from alembic_neo4j.errors import StoreError
from alembic_neo4j.sentences import ended, shortened

LARGEST = 1 << 30
"""How many bytes a bundle may have, encrypted and unpacked."""

_LONGEST_LINE = 1 << 26
_BATCH = 500
"""How many rows are written at once."""

_KIND, _FORMAT = "entities of alembic_neo4j", 1

Line = dict[str, Any]


# Making one ---------------------------------------------------------------------------


def bundle_of(repo: EntityRepository, keys: BundleKeys) -> bytes:
    """Return all versions that a store has at this moment, encrypted.

    It has what repositories sync, and nothing else of the database that they are in.
    Raises StoreError where the store is damaged, or there is too much in it.
    """
    packed = io.BytesIO()
    size = 0
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file,
        repo.store.reading() as connection,
    ):
        check_readable(connection)
        for line in _lines(connection):
            text = json_text(line).encode() + b"\n"
            size += len(text)
            if size > LARGEST or len(text) > _LONGEST_LINE:
                raise StoreError(
                    f"expected a store of at most {LARGEST:,} bytes for a bundle, "
                    "found more. Sync the stores themselves: sync_with(other)"
                )
            file.write(text)
    return keys.encrypt(packed.getvalue())


def _lines(connection: Connection) -> Iterator[Line]:
    yield {"bundle": _KIND, "format": _FORMAT}
    count = 0
    # What a site is continued as is this store's own affair.
    query = select(sites.c.site, sites.c.counter).order_by(sites.c.site)
    for row in connection.execute(query):
        yield {"site": row.site, "counter": row.counter}
    for row in connection.execute(select(forks).order_by(*forks.c)):
        yield {"fork": row.site, "counter": row.counter, "digest": row.digest}
    every = select(versions).order_by(versions.c.site, versions.c.counter)
    with connection.execute(every, execution_options={"yield_per": _BATCH}) as rows:
        for page in rows.partitions():
            for each in page:
                # What can't be read here would be refused where it is opened.
                version_of(each, connection)
                values = dict(zip(versions.c.keys(), each, strict=True))
                moments = {name: values[name].isoformat() for name in _MOMENTS}
                values |= moments | {"deleted": bool(each.deleted)}
                yield {"version": values}
            count += len(page)
    yield {"end": count}


_MOMENTS = ("created_at", "updated_at")


# Opening one --------------------------------------------------------------------------


@contextmanager
def opened_bundle(
    content: bytes, keys: BundleKeys, name: str
) -> Iterator[EntityRepository]:
    """Yield what a bundle has as a repository in memory, which is gone afterwards.

    It has every version, for other stores to receive, and shows no entity itself. It is
    decrypted and checked as a whole before that; `name` is what errors call it.

    Raises StoreError where the keys are others, a bit of it was changed, it is no
    bundle, contradicts itself, is too large or a newer release's.
    """
    try:
        packed = keys.decrypt(content)
        repo = EntityRepository(":memory:")
        try:
            _fill(repo, _read(packed))
        except BaseException:
            repo.close()
            raise
    except StoreError as error:
        advice = "Give the right passphrase or key, or take another copy of it"
        raise _unopened(name, error, advice) from None
    except _Refused as refused:
        raise _unopened(name, refused, refused.advice) from None
    with repo:
        yield repo


def _unopened(name: str, why: Exception, advice: str) -> StoreError:
    return StoreError(
        f"the bundle {name} can't be opened: {ended(why)} Nothing has been changed. "
        f"{advice}"
    )


class _Refused(Exception):
    """What is in a bundle is not what has to be there, and the way on."""

    def __init__(
        self, why: str, advice: str = "Take another copy of it, or have it made anew"
    ) -> None:
        super().__init__(why)
        self.advice = advice


def _read(packed: bytes) -> Iterator[Line]:
    """Yield the lines of a bundle but the last one, which has to be the last one."""
    lines = _unpacked(packed)
    first = next(lines, {})
    if first.get("bundle") != _KIND:
        raise _Refused("it was decrypted, and is no bundle of entities")
    if first.get("format") != _FORMAT:
        raise _Refused(
            f"it is a newer release's: expected the format {_FORMAT}, found "
            f"{shortened(first.get('format'))}",
            "Install that release of alembic-neo4j here",
        )
    count = 0
    for line in lines:
        if "end" in line:
            if line["end"] != count or next(lines, None) is not None:
                break
            return
        count += "version" in line
        yield line
    raise _Refused("it does not end where it says that it does")


def _unpacked(packed: bytes) -> Iterator[Line]:
    size = 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            while text := file.readline(_LONGEST_LINE + 1):
                size += len(text)
                if size > LARGEST or len(text) > _LONGEST_LINE:
                    raise _Refused(f"it has more than {LARGEST:,} bytes, or no lines")
                line = json.loads(text)
                if not isinstance(line, dict):
                    raise _Refused("a line of it is no JSON object")
                yield line
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise _Refused(f"it was decrypted, and can't be read: {error}") from None


def _fill(repo: EntityRepository, lines: Iterable[Line]) -> None:
    with repo.store.writing() as connection:
        for table, group in groupby(map(_row, lines), key=lambda found: found[0]):
            values = (row for _, row in group)
            while page := list(islice(values, _BATCH)):
                _insert(connection, table, page)
        known = _checked_sites(connection)
        query = select(versions).order_by(versions.c.id)
        options = {"yield_per": _BATCH}
        with connection.execute(query, execution_options=options) as rows:
            for entity_id, group in groupby(rows, key=lambda row: str(row.id)):
                _check_entity(connection, entity_id, list(group), known)


def _insert(connection: Connection, table: Table, page: list[Line]) -> None:
    try:
        connection.execute(insert(table), page)
    except DBAPIError as error:
        raise _Refused(f"it contradicts itself: {error.orig}") from None


def _row(line: Line) -> tuple[Table, Line]:
    """Return the row that a line stands for, and its table."""
    try:
        if "site" in line:
            return sites, _numbered(line, {"site"}, least=0)
        if "fork" in line:
            row = _numbered(line, {"fork", "digest"})
            if len(bytes.fromhex(row["digest"])) != 32:
                raise ValueError("a digest that is none")
            return forks, {"site": row.pop("fork"), **row}
        return versions, _version(line["version"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _Refused(
            f"it was decrypted, and has a line that is none: {shortened(line)} "
            f"({type(error).__name__}: {shortened(str(error))})"
        ) from None


def _numbered(line: Line, names: set[str], *, least: int = 1) -> Line:
    if line.keys() != names | {"counter"}:
        raise ValueError("other values than expected")
    for name in names:
        check_site(line[name])
    counter = line["counter"]
    if type(counter) is not int or not least <= counter < 1 << 62:
        raise ValueError("a counter that is none")
    return dict(line)


def _version(line: Line) -> Line:
    """Return the row of a version; the entity checks its values."""
    if line.keys() != set(versions.c.keys()):
        raise ValueError("other values than expected")
    if type(line["deleted"]) is not bool or type(line["version"]) is not int:
        raise TypeError("values of another type than expected")
    _numbered({"site": line["site"], "counter": line["counter"]}, {"site"})
    moments = {name: datetime.fromisoformat(line[name]) for name in _MOMENTS}
    entity = Entity(
        *(line["id"], line["type"], line["status"], json.loads(line["data"])),
        version=line["version"],
        deleted=line["deleted"],
        created_at=moments["created_at"],
        updated_at=moments["updated_at"],
    )
    if entity.updated_at != moments["updated_at"] or entity.version < 1:
        raise ValueError("a version that nobody can have written")
    vector = json.loads(line["vector"])
    if not isinstance(vector, dict) or vector.get(line["site"]) != line["counter"]:
        raise ValueError("a version vector that is none")
    for site, counter in vector.items():
        _numbered({"site": site, "counter": counter}, {"site"})
    return line | moments


def _checked_sites(connection: Connection) -> Mapping[str, int]:
    """Refuse what lacks a write of a site; return how many there are of each."""
    known = {
        row.site: row.counter
        for row in connection.execute(select(sites.c.site, sites.c.counter))
        if row.counter
    }
    counted = select(versions.c.site, func.count(), func.max(versions.c.counter))
    found = {
        site: most if most == count else None
        for site, count, most in connection.execute(counted.group_by(versions.c.site))
    }
    if found != known:
        raise _Refused("it has not the writes of the sites that it says that it has")
    return known


def _check_entity(
    connection: Connection,
    entity_id: str,
    rows: list[Row[Any]],
    known: Mapping[str, int],
) -> None:
    """Refuse versions that were not made of as many as they say, or of what is not."""
    written: dict[str, list[int]] = {}
    for row in sorted(rows, key=lambda row: int(row.counter)):
        written.setdefault(row.site, []).append(row.counter)
    for row in rows:
        vector = vector_of(row, connection)
        covered = sum(bisect_right(written.get(s, []), n) for s, n in vector.items())
        beyond = [site for site, n in vector.items() if n > known.get(site, 0)]
        if row.version != covered or beyond:
            raise _Refused(
                f"it contradicts itself: the version {row.version} of "
                f"{shortened(entity_id)} is not made of what it says"
            )


def is_bundle(beginning: bytes) -> bool:
    """Tell whether a file that begins so is one of age."""
    return beginning.startswith((b"age-encryption.org/", b"-----BEGIN AGE "))
