"""The packages that are installed beside this Python, as plain values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses
from importlib.metadata import Distribution, distributions
from typing import cast

_REQUIREMENT = re.compile(r"\s*(?P<name>[\w.-]+)\s*(\[[^]]*\])?\s*(?P<specifier>.*)")
_EXTRA = re.compile(r"""\bextra\s*==\s*["']([^"']+)["']""")


@dataclass(frozen=True)
class Requirement:
    """One line of Requires-Dist; `text` is the line as it stands there."""

    text: str
    name: str
    specifier: str
    extra: str | None
    marker: str | None


@dataclass(frozen=True)
class Contact:
    """Somebody whom the metadata name as an author or a maintainer."""

    name: str
    email: str | None
    role: str


@dataclass(frozen=True)
class InstalledPackage:
    """What the metadata of one installed package say."""

    name: str
    version: str
    summary: str
    homepage: str | None
    requires_python: str | None
    typed: bool
    licenses: tuple[str, ...]
    topics: tuple[str, ...]
    contacts: tuple[Contact, ...]
    requirements: tuple[Requirement, ...]

    @property
    def normalized_name(self) -> str:
        """The name as an index of packages writes it."""
        return normalized(self.name)


def normalized(name: str) -> str:
    """Return a package's name in lower case, its separators as single hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_packages() -> list[InstalledPackage]:
    """Return the installed packages by name; the first on the path wins."""
    found: dict[str, InstalledPackage] = {}
    for distribution in distributions():
        package = _package(distribution)
        found.setdefault(package.normalized_name, package)
    return [found[name] for name in sorted(found)]


def requirement(text: str) -> Requirement:
    """Return the parts of a line such as ``tomli>=1; python_version < '3.11'``."""
    needed, _, marker = text.partition(";")
    match = _REQUIREMENT.match(needed)
    assert match is not None, f"{text!r} names no package"
    extra = _EXTRA.search(marker)
    return Requirement(
        text,
        match["name"],
        match["specifier"].strip().strip("()"),
        extra[1] if extra else None,
        marker.strip() or None,
    )


def _package(distribution: Distribution) -> InstalledPackage:
    metadata = cast("Message", distribution.metadata)
    classifiers = _all(metadata, "Classifier")
    return InstalledPackage(
        name=distribution.name,
        version=distribution.version,
        summary=metadata["Summary"] or "",
        homepage=_homepage(metadata),
        requires_python=metadata["Requires-Python"],
        typed="Typing :: Typed" in classifiers,
        licenses=tuple(sorted(_licenses(metadata, classifiers))),
        topics=tuple(sorted({c for c in classifiers if c.startswith("Topic :: ")})),
        contacts=tuple(dict.fromkeys(_contacts(metadata))),
        requirements=tuple(
            requirement(text) for text in sorted(set(distribution.requires or ()))
        ),
    )


def _homepage(metadata: Message) -> str | None:
    if metadata["Home-page"]:
        return str(metadata["Home-page"])
    urls = dict(url.split(", ", 1) for url in _all(metadata, "Project-URL"))
    by_label = {label.lower(): url for label, url in urls.items()}
    labels = ("homepage", "home", "source", "source code", "repository", "code")
    return next((by_label[label] for label in labels if label in by_label), None)


def _licenses(metadata: Message, classifiers: list[str]) -> set[str]:
    expression = metadata["License-Expression"]
    if expression:
        return set(re.split(r"\s+(?:AND|OR)\s+", expression.strip("()")))
    text = (metadata["License"] or "").strip()
    if text and "\n" not in text:
        return {text}
    approved = (c for c in classifiers if c.startswith("License :: "))
    return {classifier.rpartition(" :: ")[2] for classifier in approved}


def _contacts(metadata: Message) -> Iterator[Contact]:
    for role in ("author", "maintainer"):
        field = role.capitalize()
        names = [n.strip() for n in (metadata[field] or "").split(", ") if n.strip()]
        addresses = getaddresses(_all(metadata, f"{field}-email"))
        if len(names) == len(addresses) == 1:
            yield Contact(names[0], addresses[0][1], role)
            continue
        for name, email in addresses:
            yield Contact(name or email, email, role)
        known = {name for name, _ in addresses}
        yield from (Contact(name, None, role) for name in names if name not in known)


def _all(metadata: Message, field: str) -> list[str]:
    return [str(value) for value in metadata.get_all(field) or ()]
