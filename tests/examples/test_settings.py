"""The example of a revision that changes a settings file."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.migration.conftest import live, project
from tests.migration.project import Project

__all__ = ["live", "project"]

EXAMPLE = Path(__file__).parents[2] / "examples" / "settings"


def test_the_file_is_changed_and_given_back(live: Project) -> None:
    shutil.copy(EXAMPLE / "search.toml", live.path)
    source = (EXAMPLE / "0013_rank_by_embedding.py").read_text()
    before = (live.path / "search.toml").read_bytes()
    # The history that it continues is that of another example.
    source = source.replace('None = "0012"', "None = None")
    (live.versions / "0013_rank_by_embedding.py").write_text(source)
    live.done("upgrade", "head")
    lines = (live.path / "search.toml").read_text().splitlines()
    assert lines == [
        "# Read by the search page when it starts.",
        "[search]",
        "limit = 20          # more do not fit on a page",
        'ranking = "embedding"',
        'index = "Package.embedding"',
    ]
    assert "changed: search.ranking" in live.verb("history").out
    live.done("downgrade", "base")
    assert (live.path / "search.toml").read_bytes() == before
