"""How we talk to Neo4j; the only package that imports its driver."""
