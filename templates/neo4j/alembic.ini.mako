# The migrations of a Neo4j graph: alembic -c neo4j.ini upgrade head

[alembic]
script_location = ${script_location}
prepend_sys_path = %(here)s
path_separator = os

# The ledger: what has been applied. A file is fine for one deployer; several share a
# PostgreSQL database.
sqlalchemy.url = sqlite:///%(here)s/neo4j_ledger.db

# The graph: `local` starts a Neo4j of its own when it is first needed; anything else is
# an address such as neo4j+s://host. Credentials belong into ALEMBIC_NEO4J_USERNAME and
# ALEMBIC_NEO4J_PASSWORD (or ALEMBIC_NEO4J_PASSWORD_FILE), not into this file.
neo4j.url = local

# The packages or modules of the neomodel models, comma separated.
neo4j.models = models

# Format what is generated:
# [post_write_hooks]
# hooks = ruff
# ruff.type = module
# ruff.module = ruff
# ruff.options = format REVISION_SCRIPT_FILENAME

[loggers]
keys = root,alembic,alembic_neo4j

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = WARNING
handlers = console
qualname =

[logger_alembic]
level = INFO
handlers =
qualname = alembic

[logger_alembic_neo4j]
level = INFO
handlers =
qualname = alembic_neo4j

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic

[formatter_generic]
format = %(levelname)-5.5s [%(name)s] %(message)s
datefmt = %H:%M:%S
