// Counts the callers of each function of a repository: run it when its graph is there.
//   alembic-neo4j run callers.cypher --parameter repo=alembic_neo4j
:param repo => 'alembic_neo4j'

MATCH (f:Function {repo_id: $repo})
SET f.callers = COUNT { (f)<-[:CALLS]-() }
