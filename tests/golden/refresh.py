"""Writes the golden files anew: what is written down from now on is what is made now.

Run it only where a difference is meant, and read what has changed before you commit.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    os.chdir(ROOT)
    os.environ["ALEMBIC_NEO4J_REFRESH_GOLDEN"] = "1"
    # Arguments are pytest's, such as -k scripts.
    command = [sys.executable, "-m", "pytest", "-q", *sys.argv[1:]]
    files = sorted(str(path) for path in Path("tests/migration").glob("test_golden*"))
    os.execv(sys.executable, [*command, *files])
