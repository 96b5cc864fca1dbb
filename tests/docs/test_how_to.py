"""The commands of the how-to guides give what the guides show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .documents import ROOT, Session

pytestmark = pytest.mark.server

GUIDES = sorted((ROOT / "docs" / "how-to").glob("*.md"))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_guide_gives_what_it_shows(
    guide: Path, tmp_path: Path, neo4j_graph: Any
) -> None:
    session = Session(tmp_path)
    for outcome in session.outcomes(guide):
        session.learn(outcome)
