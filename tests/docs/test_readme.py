"""Every code block of README.md does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .documents import ROOT, Session, blocks, is_run

pytestmark = pytest.mark.server

README = ROOT / "README.md"


def test_every_block_is_run() -> None:
    found = list(blocks(README.read_text().splitlines()))
    assert found
    assert all(is_run(block) for block in found)


def test_the_session_gives_what_it_shows(tmp_path: Path, neo4j_graph: Any) -> None:
    session = Session(tmp_path)
    for outcome in session.outcomes(README):
        session.learn(outcome)


def test_its_links_lead_somewhere() -> None:
    text = README.read_text()
    links = [part.partition(")")[0] for part in text.split("](")[1:]]
    local = [link for link in links if not link.startswith("https://")]
    assert local
    assert [link for link in local if not (ROOT / link).exists()] == []
