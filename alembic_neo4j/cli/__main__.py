"""``python -m alembic_neo4j.cli``: the command ``alembic-neo4j``."""

from alembic_neo4j.cli import main

main()
