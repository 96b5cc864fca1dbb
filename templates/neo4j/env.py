"""How Alembic reaches this project's graph."""

from logging.config import fileConfig
from pathlib import Path

from alembic import context
from alembic_neo4j import environment

config = context.config
# A program that calls Alembic's functions has its own logging.
is_program = config.cmd_opts is not None
if is_program and config.config_file_name and Path(config.config_file_name).exists():
    fileConfig(config.config_file_name, disable_existing_loggers=False)

# The models that neo4j.models names: autogenerate compares the history with them.
target_metadata = environment.target_schema(config)

with environment.configure(context, target_metadata=target_metadata):
    with context.begin_transaction():
        context.run_migrations()
