"""Points: from WKT, maps of coordinates, GeoJSON and lists of numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from alembic_neo4j.graph import stored_values
from alembic_neo4j.ingest.json_files import each_once

_GEOGRAPHIC = {"wgs-84", "wgs-84-3d", "4326", "4979"}
_CARTESIAN = {"cartesian", "cartesian-3d", "7203", "9157"}
_THREE = {"wgs-84-3d", "4979", "cartesian-3d", "9157"}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_WKT = re.compile(
    rf"(?:SRID=(\d+);)?\s*POINT\s*Z?\s*\(\s*({_NUMBER}(?:[\s]+{_NUMBER}){{1,2}})\s*\)",
    re.IGNORECASE | re.ASCII,
)
_ENTRY = re.compile(r"""["']?(\w+)["']?\s*:\s*["']?([^,"'}\s]+)["']?\s*(?:,|$)""")


def to_point(value: Any, crs: str | None) -> Any:
    """Return a point in the coordinate reference system `crs`, or in the value's own.

    The value is WKT (``POINT(12.5 41.9)``, longitude first), a map with longitude and
    latitude or with x and y, as text too, GeoJSON, a list of numbers, or a point.
    Raises ValueError where it is none of them, or of another system than `crs`. Whether
    Neo4j can hold it is not judged here.
    """
    if hasattr(value, "srid"):
        return _of_system(value, crs)
    expected = None if crs is None else 3 if crs.lower() in _THREE else 2
    if isinstance(value, str):
        value, crs = _read(value.strip(), crs)
    if isinstance(value, Mapping):
        value, crs = _of_map(value, crs)
    if not isinstance(value, Sequence):
        raise ValueError(f"it is a {type(value).__name__}")
    coordinates = [_number(coordinate) for coordinate in value]
    if expected not in (None, len(coordinates)):
        raise ValueError(f"it has {len(coordinates)} coordinates, not {expected}")
    return _checked(coordinates, crs)


def _of_system(point: Any, crs: str | None) -> Any:
    if crs is not None:
        agreed = _is_geographic(str(point.srid)) == _is_geographic(crs)
        if not agreed or (str(point.srid) in _THREE) != (crs.lower() in _THREE):
            raise ValueError(f"it is in {point.srid}, and the property in {crs}")
    return point


def _read(text: str, crs: str | None) -> tuple[Any, str | None]:
    if match := _WKT.fullmatch(text):
        return match[2].split(), _agreed(match[1], crs)
    if text.startswith("{") and text.endswith("}"):
        inner = text[1:-1].strip()
        entries = _ENTRY.findall(inner)
        if entries and not _ENTRY.sub("", inner).strip():
            return each_once(entries), crs
    raise ValueError(
        "a point looks like POINT(12.5 41.9) or {longitude: …, latitude: …}"
    )


def _of_map(value: Mapping[str, Any], crs: str | None) -> tuple[Any, str | None]:
    entries = each_once([(str(key).lower(), item) for key, item in value.items()])
    if entries.get("type") == "Point" and "coordinates" in entries:
        return entries["coordinates"], _agreed("wgs-84", crs)
    own = entries.pop("crs", None) or entries.pop("srid", None)
    crs = _agreed(None if own is None else str(own), crs)
    entries = {key: item for key, item in entries.items() if item is not None}
    if {"longitude", "latitude"} <= set(entries) <= {"longitude", "latitude", "height"}:
        names, crs = ("longitude", "latitude", "height"), _agreed("wgs-84", crs)
    elif {"x", "y"} <= set(entries) <= {"x", "y", "z"}:
        names, crs = ("x", "y", "z"), crs or "cartesian"
    else:
        found = ", ".join(sorted(entries)) or "nothing"
        raise ValueError(f"it has {found}, not longitude and latitude, nor x and y")
    return [entries[name] for name in names if name in entries], crs


def _agreed(own: str | None, crs: str | None) -> str | None:
    """Return the system that a value names and the property has, which must agree."""
    if own is None or crs is None:
        return crs or own
    if _is_geographic(own) != _is_geographic(crs):
        raise ValueError(f"it is in {own}, and the property in {crs}")
    return crs


def _is_geographic(crs: str) -> bool:
    if crs.lower() in _GEOGRAPHIC:
        return True
    if crs.lower() in _CARTESIAN:
        return False
    raise ValueError(f"there is no coordinate reference system {crs!r}")


def _checked(coordinates: list[float], crs: str | None) -> Any:
    if crs is None:
        raise ValueError("its coordinate reference system is not said (crs)")
    return stored_values.point(coordinates, geographic=_is_geographic(crs))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise ValueError(f"a coordinate is a number, not a {type(value).__name__}")
    if isinstance(value, str) and not re.fullmatch(_NUMBER, value, re.ASCII):
        raise ValueError(f"{value!r} is no number")
    return float(value)
