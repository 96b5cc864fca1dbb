#!/usr/bin/env bash
# The whole story on a real Neo4j: what `make demo` runs. Everything happens in a
# temporary directory, and every server that was started is stopped in the end.
set -euo pipefail

examples=$(cd "$(dirname "$0")" && pwd)
directory=$(mktemp -d)

finish() {
    status=$?
    for project in "$directory"/*/; do
        (cd "$project" && alembic-neo4j local stop >/dev/null 2>&1) || true
    done
    rm -rf "$directory"
    if [ "$status" -ne 0 ]; then
        echo "The demo stopped with status $status; its servers are stopped." >&2
    fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

unset ALEMBIC_CONFIG ${!ALEMBIC_NEO4J_@} ${!NEO4J_@}

title() { printf '\n\n== %s\n' "$1"; }

show() {
    printf '\n$'
    printf ' %q' "$@"
    printf '\n'
    "$@" 2>&1
}

title "1. A new project: edit a class, autogenerate, upgrade, check"
mkdir "$directory/people"
cd "$directory/people"
show alembic-neo4j init
show cat models.py
show alembic -c neo4j.ini revision --autogenerate -m people
show cat migrations/versions/*_people.py
show alembic -c neo4j.ini upgrade head
show alembic -c neo4j.ini check
show alembic-neo4j local stop

title "2. A graph with a history: the packages that are installed here"
cp -R "$examples/packages" "$directory/packages"
cd "$directory/packages"
rm -rf .neo4j neo4j_ledger.db*
show alembic -c neo4j.ini history
show alembic -c neo4j.ini upgrade head
show python load.py
show alembic -c neo4j.ini check
show alembic -c neo4j.ini current -v

title "3. What a revision would run, as Cypher"
show alembic -c neo4j.ini upgrade 0003:0004 --sql

title "4. One step back and forth: the data stay"
show alembic -c neo4j.ini downgrade -1
show python load.py --counts
show alembic -c neo4j.ini upgrade head
show python load.py --counts

title "5. What the graph is good for"
show python queries.py
show alembic-neo4j local stop

title "6. The same packages from files: loaded, taken back and loaded again"
cp -R "$examples/packages" "$directory/files"
cd "$directory/files"
rm -rf .neo4j neo4j_ledger.db* packages.jsonl needs.csv
load_packages() {
    show alembic-neo4j ingest load packages.jsonl \
        --label Package --merge-key normalized_name --batch packages
    show alembic-neo4j ingest load needs.csv --batch needs --relationship-type DEPENDS_ON --merge-key text \
        --source-label Package --source-key normalized_name --source-column package \
        --target-label Package --target-key normalized_name --target-column needed
}
printf '\n$ alembic -c neo4j.ini upgrade head  # as in 2\n'
alembic -c neo4j.ini upgrade head >upgrade.log 2>&1 || { cat upgrade.log; exit 1; }
show python write_files.py
load_packages
show alembic-neo4j ingest list
show alembic-neo4j ingest rollback needs --yes
show alembic-neo4j ingest rollback packages --yes
show python load.py --counts
load_packages
show python load.py --counts

title "7. Beside the graph: a settings file, a search, a second ledger, the audit trail"
cp "$examples/settings/search.toml" .
cp "$examples/settings/0013_rank_by_embedding.py" migrations/versions
show sed -n '/^def upgrade/,$p' migrations/versions/0013_rank_by_embedding.py
show alembic-neo4j plan || test $? -eq 1  # there is something to run
show alembic -c neo4j.ini upgrade head
show cat search.toml
show alembic-neo4j history --type settings
show alembic-neo4j ledger note "needs.csv was written on a Friday" --about batch-needs --slug friday
mkdir "$directory/colleague"
cp -R neo4j.ini migrations packages_graph "$directory/colleague"
printf '\n# A colleague, with a ledger of their own:\n'
(cd ../colleague && show alembic-neo4j ledger note "the mirror is slow on a Friday" --slug mirror)
show alembic-neo4j ledger sync ../colleague/neo4j_ledger.db
show alembic-neo4j ledger search "friday" --facet type
show alembic -c neo4j.ini downgrade -1
show cat search.toml
show alembic-neo4j audit list --limit 3
show alembic-neo4j audit verify
show alembic-neo4j local stop

title "8. Source code, from SQLite into the graph, back and again"
cp -R "$examples/codegraph" "$directory/codegraph"
cd "$directory/codegraph"
rm -rf .neo4j neo4j_ledger.db* code.db
show alembic -c neo4j.ini upgrade head
show python build.py
show alembic-neo4j transfer --source code.db --all
show alembic-neo4j transfer --source code.db alembic --verify
show alembic-neo4j transfer alembic --rollback
show alembic-neo4j transfer --source code.db alembic
show alembic-neo4j run callers.cypher
show python queries.py
show alembic-neo4j local stop
echo
echo "That was all; $directory is removed."
