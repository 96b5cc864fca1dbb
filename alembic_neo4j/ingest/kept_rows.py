"""Rows kept on the disk from their check to their load, so that each is made once."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import IO, Any

log = logging.getLogger(__name__)

_PORTION_BYTES = 1 << 16
_LOOKED_AFTER_PORTIONS = 256
_FREE_BYTES = 1 << 30
"""How much of the disk is left to others."""


class KeptRows:
    """Rows in a file that nobody sees, and that goes with its process or `close`.

    They take little memory, however many they are. Where the disk has no room for them
    `is_whole` is False, and they have to be made anew.
    """

    def __init__(self) -> None:
        self.count = 0
        self.is_whole = True
        self._names: tuple[str, ...] = ()
        self._portion: list[bytes] = []
        self._size = self._portions = 0
        self._directory = _directory()
        self._file: IO[bytes] | None = None

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row, unless there is no room."""
        if not self.is_whole:
            return
        # Most rows have the names of the one before.
        names = tuple(row)
        kept: Any = row if names != self._names else tuple(row.values())
        text = pickle.dumps(kept, pickle.HIGHEST_PROTOCOL)
        self._names = names
        self._portion.append(text)
        self._size += len(text)
        self.count += 1
        if self._size >= _PORTION_BYTES:
            self._write()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Give the rows from the first; one iteration at a time."""
        names: tuple[str, ...] = ()
        for portion in self._read():
            for text in portion:
                kept = pickle.loads(text)
                if type(kept) is dict:
                    names = tuple(kept)
                    yield kept
                else:
                    yield dict(zip(names, kept, strict=True))

    def close(self) -> None:
        """Give the room back."""
        self._portion.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> Iterator[list[bytes]]:
        if self._file is not None:
            self._file.seek(0)
            for _ in range(self._portions):
                yield pickle.load(self._file)
        yield self._portion

    def _write(self) -> None:
        try:
            if self._file is None:
                self._file = _file_in(self._directory)
            pickle.dump(self._portion, self._file, pickle.HIGHEST_PROTOCOL)
            self._portions += 1
            if self._portions % _LOOKED_AFTER_PORTIONS == 0:
                _check_room(self._directory)
        except OSError as error:
            log.info("Rows are not kept in %s: %s", self._directory, error)
            self.is_whole = False
            self.close()
        self._portion, self._size = [], 0


@contextmanager
def kept(rows: Iterable[dict[str, Any]]) -> Iterator[Iterable[dict[str, Any]]]:
    """Go through rows once, and give them for the block; without room, as they are."""
    with closing(KeptRows()) as found:
        for row in rows:
            found.add(row)
        yield found if found.is_whole else rows


def _file_in(directory: str) -> IO[bytes]:
    # It outlives the block that makes it.
    return tempfile.TemporaryFile(dir=directory)


def _check_room(directory: str) -> None:
    if shutil.disk_usage(directory).free < _FREE_BYTES:
        raise OSError("there is too little room")


def _directory() -> str:
    """Return where large files go: /tmp is a part of the memory on many machines."""
    is_chosen = any(name in os.environ for name in ("TMPDIR", "TEMP", "TMP"))
    is_there = not is_chosen and os.access("/var/tmp", os.W_OK)
    return "/var/tmp" if is_there else tempfile.gettempdir()
