"""How Sphinx builds the documentation: make docs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from alembic_neo4j import __version__

project = "alembic-neo4j"
author = "The alembic-neo4j authors"
version = release = __version__
copyright = author

extensions = ["myst_parser", "reference"]
exclude_patterns = ["_build", "_ext"]
html_theme = "furo"
html_title = f"alembic-neo4j {release}"
html_show_copyright = False
highlight_language = "none"
myst_heading_anchors = 3
python_maximum_signature_line_length = 88
add_module_names = False

# The lexer of Cypher knows no parameters.
suppress_warnings = ["misc.highlighting_failure"]
