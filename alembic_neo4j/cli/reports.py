"""What each verb prints with ``--format json``, by the words that call it."""

from __future__ import annotations

from collections.abc import Mapping

from alembic_neo4j.cli.shapes import (
    Shape,
    anything,
    flag,
    number,
    row,
    rows,
    text,
    texts,
)

_UNCHECKED = rows(
    "what could not be looked at", area=text("of what kind it is"), reason=text("why")
)
_FINDING: Mapping[str, Shape] = {
    "code": text("as [findings](findings.md) has it"),
    "severity": text("`error`, `warning` or `remark`"),
    "subject": text("what it is about"),
    "expected": text(),
    "found": text(),
    "advice": text("what to do"),
    "repair": text("what `alembic-neo4j repair` would do").or_null(),
    "decision": flag("whether `repair` does so only when it is told to by name"),
    "revision": text().or_null(),
}
_COUNTS = row(
    "how many findings there are of each severity",
    error=number(),
    warning=number(),
    remark=number(),
)
_HEADS = texts("the revisions where it is")
_MOMENT = text("a time in ISO 8601")
_ENTITIES = ("nodes", "relationships")
_UNDONE = {
    f"{what}_{entities}": number()
    for what in ("deleted", "restored")
    for entities in _ENTITIES
}
_SERVER = {
    "version": text("the release of Neo4j"),
    "disposable": flag("whether it was made for tests"),
    "url": text(),
    "username": text(),
    "password_file": text("the file that holds the password"),
    "pid": number("its process"),
    "home": text("the directory of its data"),
}
_KNOWN_SERVER = {
    **_SERVER,
    "running": flag("whether it runs now"),
    "url": text("null where it does not run").or_null(),
    "username": text().or_null(),
    "pid": number().or_null(),
    "bytes": number("the size of its data"),
}
_ARCHIVES = row(
    archives=rows(
        "what was shown, brought back or purged",
        revision=text("the one that archived it"),
        property=text(),
        entity=text("`node` or `relationship`"),
        owners=texts("labels, or the type"),
        count=number("of values, or of marks"),
        mark=text(
            "null for values; of the marks by which a downgrade knows what its upgrade "
            "wrote one of `filled`, `converted`, `labelled`, `lacked`, `kept`"
        ).or_null(),
    )
)
_BATCH = {
    "batch": text("its name"),
    "state": text(
        "`running`; `stopped` where nobody is at it and the same command goes on; "
        "`unfinished` where its run was ended; `loaded`, `rolling back`, `partly "
        "rolled back`, `rolled back`; or `unknown` where it was begun and the graph "
        "can't be asked"
    ),
    "revision": text("null for a load of its own").or_null(),
    "loader": text("the program that made the file"),
    "loader_version": text(),
    "labels": texts("of its nodes"),
    "types": texts("of its relationships"),
    "created_nodes": number(),
    "touched_nodes": number("that were there and were changed"),
    "created_relationships": number(),
    "touched_relationships": number(),
    "unmatched": number("rows that became no relationship for want of an end"),
    "begun_at": _MOMENT,
    "begun_by": text("user and machine"),
    "ended_at": _MOMENT.or_null(),
    "sources": rows("the files", uri=text(), sha256=text()),
}
_BACKUP = {
    "id": text("its name: when it was made, in UTC"),
    "path": text("its directory"),
    "created_at": _MOMENT,
    "created_by": text(),
    "graph": text("the address of the graph"),
    "server": text("the release and edition"),
    "consistent": flag("whether nothing was written to the graph meanwhile"),
    "heads": _HEADS,
    "ledger": text("the file of the ledger's backup; null without one").or_null(),
    "nodes": number(),
    "relationships": number(),
    "bytes": number("the size of its files"),
}
_KNOWN_BACKUP = {
    **{name: shape.or_null() for name, shape in _BACKUP.items()},
    "problem": text("why its manifest can't be read, else null").or_null(),
    "restored_at": text(
        "when it was restored and was the same, null where it was not"
    ).or_null(),
}
_CHECK = row(
    status=text("`pass`, `fail` or `skipped`, after one that fails"),
    duration_ms=number("whole milliseconds"),
    problems=texts("why it fails, with `--detailed`").at_times(),
)
_EVENT = {
    "version_table": text("of the history in the ledger"),
    "sequence": number("from 1 on, without a gap"),
    "recorded_at": _MOMENT,
    "run": text("the run in the journal").or_null(),
    "action": text("`upgrade`, `downgrade`, `taking back`, `stamp` or a verb"),
    "result": text(
        "`BEGUN`, `SUCCESS`, `FAILED`, `PARTIAL` (something was written before it "
        "failed) or `BROKEN` (the trail did not fit when the next event was added)"
    ),
    "closes": number("the event by which it began").or_null(),
    "became": text(
        "what a later command found of one that has no end of its own: `resumed`, "
        "`taken back`, `abandoned`, `finished` or `unknown`"
    ).or_null(),
    "actor": text(),
    "host": text(),
    "release": text("of alembic-neo4j"),
    "graph": text("its address"),
    "ledger": text("its identity"),
    "about": anything("a list of revisions, a batch or a file"),
    "counts": anything(
        "what the server has counted: `total`, and `by_label` and `by_type` where that "
        "is known"
    ),
    "seconds": number("how long it took").or_null(),
    "error": text().or_null(),
    "previous": text(
        "the hash of the event before; the ledger's identity in the first"
    ),
    "hash": text("of all of that"),
}
_CACHED = {
    "sha256": text(),
    "bytes": number(),
    "uri": text("where it was fetched").or_null(),
    "fetched": _MOMENT.or_null(),
    "path": text(),
}
_VIOLATION = {
    "row": number().or_null(),
    "line": number().or_null(),
    "column": text().or_null(),
    "rule": text(),
    "value": text().or_null(),
    "message": text(),
}
_PLANNED_UNIT = {
    "kind": text(
        "`create`, `drop`, `check`, `batched`, `schema`, `data`, `read`, `autocommit`, "
        "`stop` (something to fill in), `load` (data in batches), `ledger` or `unknown`"
    ),
    "texts": texts("a line for each of its steps"),
    "position": number("its number in messages").or_null(),
    "state": text("what the open run has made of it, `running` or `done`").or_null(),
    "count": number(
        "how many nodes or relationships a batched change would change now; null where "
        "it is none or that is not known"
    ).or_null(),
    "unknown": text("why it is not known").or_null(),
    "diff": text(
        "of what is done to files: a unified diff, as they are now; null where there "
        "is none"
    ).or_null(),
}
_LEFT_OUT = rows(
    "what the mapping takes nothing of",
    what=text(),
    name=text().or_null(),
    count=number(),
)
_CREATED = row(
    name=text("of the class"),
    kgid=text("its identity"),
    file=text("where it is written"),
    module=text("of Python's"),
    usage=text("the line that declares it, to be written by a person").or_null(),
)
_HASHED = {"of": text("a revision, or `models`"), "hash": text("as `schema_hash` is")}
_APPLIED = {
    "applied_at": _MOMENT,
    "applied_by": text(),
    "seconds": number("how long it took, where that is known").or_null(),
    "file": text(
        "what became of the file since: `as applied`, `reformatted`, `edited`, "
        "`missing` or `unknown`"
    ),
    "skipped": flag("whether it was not applicable, and did nothing"),
    "result": row(
        "what it said of itself, null where that was nothing",
        success=flag("true: else it would not be here"),
        message=text(),
        changes=texts(""),
        warnings=texts(""),
    ).or_null(),
}
_LOCK = row("who holds it, null where nobody does", holder=text()).or_null()
_REMEMBERED_ENTITY = {
    "id": text("it begins with the type"),
    "type": text("`revision`, `run`, `batch`, `backup`, `note` or one of your own"),
    "status": text("one of the 17"),
    "data": anything("an object, whose keys depend on the type"),
    "version": number("0 for what the ledger has: only what is stored has versions"),
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
}
_REMEMBERED = row(
    entities=rows("in their order", **_REMEMBERED_ENTITY),
    of=number("how many there are, without `--limit`"),
    facets=anything("an object: for each `--facet` how many have each value"),
)
_VERSION = {**_REMEMBERED_ENTITY, "deleted": flag("whether it is a deletion")}
_CONFLICT = {
    "id": text(),
    "versions": rows("the latest one last", **_VERSION),
    "ancestor": row(
        "what they were made from, null where each was created", **_VERSION
    ).or_null(),
}
_SYNCED = row(
    received=number("of versions"),
    sent=number("of versions"),
    conflicts=number("how many wait for a decision"),
    findings=rows("what two ledgers contradict each other in", **_FINDING),
)

_PLAN = row(
    heads=_HEADS,
    open_run=row(
        "the run that is gone on with", begun_at=_MOMENT, begun_by=text()
    ).or_null(),
    revisions=rows(
        "in the order in which they run",
        revision=text(),
        message=text(),
        direction=text("`upgrade` or `downgrade`"),
        path=text(),
        rollback_safe=flag("whether it can be undone"),
        resumed=flag("whether an open run is at it"),
        versions=text("of the application that it is for").or_null(),
        passed_over=text("why it does nothing").or_null(),
        asks=flag("whether its check_applicable tells in its turn if it runs"),
        units=rows("what shares a transaction", **_PLANNED_UNIT),
    ),
    refusals=rows(
        "why the run would not begin",
        code=text("`open-run`, `unfinished`, `files`, `stamp` or `capability`"),
        message=text(),
    ),
    obstacles=rows(
        "what stands in the way",
        revision=text(),
        expected=text(),
        found=texts(""),
        advice=text(),
        conditional=flag("whether it is so only if the revision applies"),
    ),
    warnings=texts("what is no hindrance, such as a priority without an effect"),
    not_known=rows(
        "what may turn out to stand in the way when a step has run",
        revision=text("whose check it is"),
        expected=text(),
        before=row(
            revision=text("whose step it is"), step=text("that has to have run")
        ),
    ),
    server=text("version and edition; null where it was not asked").or_null(),
    lock=_LOCK,
    unchecked=_UNCHECKED,
)

REPORTS: Mapping[str, Shape] = {
    "archive list": _ARCHIVES,
    "archive purge": _ARCHIVES,
    "archive restore": _ARCHIVES,
    "audit list": row(events=rows("the last one first", **_EVENT)),
    "audit verify": row(
        events=number("how many fit"),
        end=row("the last of them", sequence=number(), hash=text()).or_null(),
        broken=row(
            "the first event that does not fit, null where all do",
            code=text(
                "`altered`, `missing`, `parted` (it does not follow the one before), "
                "`unreadable`, `tail` (the ledger knows of another end), "
                "`older-ledger`, `older-graph` or `another-trail`"
            ),
            sequence=number(),
            expected=text(),
            found=text(),
        ).or_null(),
        unchecked=_UNCHECKED,
    ),
    "backup create": row(backup=row("what was made", **_BACKUP)),
    "backup list": row(backups=rows("the oldest first", **_KNOWN_BACKUP)),
    "backup prune": row(removed=texts("their names")),
    "backup restore": row(
        backup=text("its name"),
        to=text("the address, or `local`"),
        nodes=number(),
        relationships=number(),
        seconds=number("that it took, with the comparison"),
        differences=texts("where what is there now is not what was backed up"),
    ),
    "backup show": row(backup=row("", **_KNOWN_BACKUP)),
    "backup verify": row(
        backups=rows(
            "each that was read",
            backup=text("its name"),
            problems=texts("what is not as it was made"),
        )
    ),
    "create-node": _CREATED,
    "create-relationship": _CREATED,
    "ensure": row(
        applied=texts("the revisions, in the order in which they ran"),
        waited_seconds=number("until graph and ledger answered"),
    ),
    "health": row(
        status=text("`healthy` or `unhealthy`"),
        timestamp=text("when the checks began, in UTC"),
        checks=row(
            "what has become of each",
            connectivity=_CHECK,
            schema_consistency=_CHECK,
            orphan_detection=_CHECK,
        ),
        metrics=row(
            "with `--detailed`; null where it could not be measured",
            server=text("the release and edition").or_null(),
            nodes=number().or_null(),
            relationships=number().or_null(),
            indexes=row(
                "how many are in each state",
                online=number(),
                populating=number(),
                failed=number(),
            ).or_null(),
            nodes_lacking_labels=number("that their model gives them").or_null(),
            store_bytes=number("the size of the data of a local server").or_null(),
            lock_holder=text("who holds the graph's lock").or_null(),
            open_run=row(
                "the run that was begun and has not ended",
                action=text(),
                subject=text(),
                begun_at=_MOMENT,
                begun_by=text("user and machine"),
            ).or_null(),
            heads=_HEADS.or_null(),
            pending=number("revisions that have not been applied").or_null(),
            backup_age_seconds=number("of the latest of the graph").or_null(),
            restored_backup_age_seconds=number(
                "of the latest that was restored"
            ).or_null(),
            ledger_backup_age_seconds=number("of the latest one").or_null(),
            audit_events=number().or_null(),
            audit_intact=flag("whether they follow from each other").or_null(),
        ).at_times(),
    ),
    "history": row(
        last_version=text("the revision that was applied last").or_null(),
        entries=rows(
            "what was begun last in front",
            name=text("the revision's message, or what was done"),
            version=text("the revision; null for a verb").or_null(),
            migration_type=text(
                "what it is about; null for a verb, and where it has no file"
            ).or_null(),
            timestamp=_MOMENT,
            success=flag("whether it is done; null where it has not ended").or_null(),
            message=text(
                "what it said of itself, or the error, or else its name"
            ).or_null(),
            changes=texts("that it told"),
            warnings=texts("that it told"),
            action=text("`upgrade`, `downgrade`, `stamp` or a verb"),
            subject=text("the revision, or what the verb is about"),
            state=text(
                "`done`, `skipped` (not applicable), `failed` (given up before it was "
                "done) or `open`"
            ),
            type=text("the same as `migration_type`").or_null(),
            at=text("the same as `timestamp`"),
            by=text(),
            applied=row("the revision as it was applied by this", **_APPLIED).or_null(),
        ),
        of=number("how many there are, without `--limit`"),
    ),
    "import-crochet": row(
        migrations=rows(
            "in their order",
            migration=text("its id in crochet"),
            revision=text("what it has become"),
            file=text(),
            applied=flag("whether crochet has applied it"),
        ),
        batches=texts("that are known now"),
        head=text("what was stamped").or_null(),
        remarks=texts("what is still to be looked at"),
    ),
    "ingest cache clear": row(removed=rows("the files that were removed", **_CACHED)),
    "ingest cache list": row(files=rows("the oldest first", **_CACHED)),
    "ingest cache verify": row(
        files=rows("all of them", **_CACHED, problem=text("what is damaged").or_null())
    ),
    "ingest list": row(batches=rows("those loaded first in front", **_BATCH)),
    "ingest load": row(
        batch=text("its name"),
        uri=text("the file"),
        sha256=text(),
        rows=number("of the file"),
        refused=number("rows that break a rule"),
        created=number("nodes or relationships"),
        touched=number("that were there and were changed"),
        unmatched=number("rows that became no relationship for want of an end"),
        loaded=flag("false with `--dry-run`"),
        loaded_before=flag("whether the same load was in the graph already"),
    ),
    "ingest rollback": row(batch=text("its name"), **_UNDONE),
    "ingest show": row(**_BATCH),
    "ingest validate": row(
        files=rows(
            "in the order in which they are named",
            name=text(),
            uri=text(),
            sha256=text(),
            bytes=number(),
            rows=number(),
            refused=number("rows that break a rule"),
            ok=flag("whether no rule is broken"),
            counts=rows(
                "the broken rules, the most frequent first",
                column=text().or_null(),
                rule=text(),
                count=number(),
            ),
            violations=rows("the first of them", **_VIOLATION),
        )
    ),
    "init": row(
        created=texts("the files that were written"),
        kept=texts("the files that were there and are as they were"),
        ignored=texts("the lines that were added to .gitignore"),
    ),
    "ledger backup create": row(path=text("the backup"), bytes=number()),
    "ledger backup list": row(
        backups=rows("the oldest first", path=text(), timestamp=_MOMENT, bytes=number())
    ),
    "ledger backup restore": row(
        path=text("the ledger"),
        kept=text("the ledger that was there, under its new name").or_null(),
        heads=_HEADS,
    ),
    "ledger backup verify": row(
        backups=rows(
            "all that were read", path=text(), problem=text("what is damaged").or_null()
        )
    ),
    "ledger conflicts": row(conflicts=rows("by their ids", **_CONFLICT)),
    "ledger export": _SYNCED,
    "ledger import": _SYNCED,
    "ledger list": _REMEMBERED,
    "ledger note": row(entity=row("the note", **_REMEMBERED_ENTITY)),
    "ledger resolve": row(
        conflict=row("what it was", **_CONFLICT),
        entity=row(
            "what was stored, null where nothing was decided", **_VERSION
        ).or_null(),
    ),
    "ledger search": _REMEMBERED,
    "ledger show": row(
        entity=row("what was asked for", **_REMEMBERED_ENTITY),
        notes=rows("about it", **_REMEMBERED_ENTITY),
    ),
    "ledger sync": _SYNCED,
    "local list": row(servers=rows("those with data here", **_KNOWN_SERVER)),
    "local logs": row(file=text("the log"), lines=texts("the last of it")),
    "local start": row(**_SERVER),
    "local status": row(servers=rows("those that run", **_KNOWN_SERVER)),
    "local stop": row(stopped=rows("those that ran", **_SERVER)),
    "local wipe": row(wiped=texts("the directories that were removed")),
    "plan": _PLAN,
    "repair": row(
        items=rows(
            "what can be mended",
            **_FINDING,
            chosen=flag("whether it was to be mended"),
            mended=flag("whether it was"),
            failure=text("why it could not be").or_null(),
        ),
        dry_run=flag("whether nothing was to be changed"),
    ),
    "reset": row(
        forgotten=row(
            "null where there was nothing",
            heads=_HEADS,
            applied=texts("the revisions that were recorded as applied"),
            runs=number("how many the journal had"),
            batches=texts("those that the graph still has, and no command knows"),
            files=texts("which a downgrade would have given back"),
            unfinished=text("the run that had not ended").or_null(),
            images=number("of what loads had changed"),
            stamped=flag("whether the graph had this ledger's stamp"),
        ).or_null(),
        backup=text("the ledger as it was; null where none was made").or_null(),
    ),
    "run": row(
        file=text(),
        sha256=text(),
        statements=number("how many"),
        sent=flag("false with `--dry-run`"),
        transactions=rows(
            "in their order",
            kind=text("`schema`, `data`, `read` or `autocommit`"),
            statements=rows("in their order", line=number(), text=text()),
        ),
    ),
    "schema diff": row(
        **{"from": row(**_HASHED), "to": row(**_HASHED)},
        equal=flag("whether they say the same"),
        changes=rows(
            "what leads from one to the other",
            operation=text("of `op`"),
            arguments=anything("a list of what it is called with"),
            keywords=anything("an object of the same"),
            text=text("the change in words"),
        ),
    ),
    "schema hash": row(**_HASHED),
    "status": row(
        graph=row(
            "where it did not answer, null but for its address",
            url=text(),
            database=text().or_null(),
            version=text("of the server").or_null(),
            edition=text().or_null(),
            stamp=texts("its heads; null where it has none").or_null(),
            indexes=rows(
                "those that are not online",
                name=text(),
                state=text(),
                population=number("in per cent"),
                message=text(),
            ).or_null(),
        ),
        ledger=row(
            "",
            url=text("without its password"),
            exists=flag("whether it is there"),
            heads=texts("null where it can't be read").or_null(),
        ),
        history=row(
            "",
            heads=_HEADS,
            pending=rows("what is to be run", revision=text(), message=text()),
        ),
        applied=rows(
            "the applied revisions, the last one in front", revision=text(), **_APPLIED
        ),
        batches=rows("those of the ledger, the first in front", **_BATCH),
        run=row(
            "the run that has not ended",
            action=text("`upgrade`, `downgrade`, or the verb of a run of its own"),
            subject=text("what it is about"),
            revision=text("null for a verb's own run").or_null(),
            then=texts("the revisions after it"),
            unit=row(
                "the last one that was begun",
                position=number(),
                kind=text(),
                state=text("`running` or `done`"),
            ).or_null(),
            begun_at=_MOMENT,
            begun_by=text(),
        ).or_null(),
        lock=_LOCK,
        unchecked=_UNCHECKED,
        counts=_COUNTS,
        findings=rows("as `verify` has them", **_FINDING),
    ),
    "transfer": row(
        graphs=rows(
            "each as it went; with `--list`, each that there is",
            id=text(),
            scope=text("with `--list`: what all of its nodes share")
            .or_null()
            .at_times(),
            state=text(
                "`transferred`, `counted`, `equal`, `different`, `rolled back` or "
                "`failed`"
            ).at_times(),
            error=text().or_null().at_times(),
            nodes=number("of the source, where it was transferred").at_times(),
            relationships=number().at_times(),
            created_nodes=number().at_times(),
            created_relationships=number().at_times(),
            unmatched=number("relationships that lack an end").at_times(),
            left_out=_LEFT_OUT.at_times(),
            parts=rows(
                "with `--dry-run`: what there is to transfer",
                what=text("`nodes` or `relationships`"),
                name=text("the label, or the type and its ends"),
                rows=number(),
            ).at_times(),
            batch_rows=number("of the largest transaction").at_times(),
            transaction_bytes=number("about what that takes").at_times(),
            server_bytes=number("what the server gives to one").or_null().at_times(),
            warning=text("where that is too little").or_null().at_times(),
            comparisons=rows(
                "with `--verify`",
                what=text(),
                name=text(),
                source=number("in the source"),
                found=number("of these, in the graph"),
                there=number("in the graph").or_null(),
                equal=flag("whether they are the same"),
                missing=texts("some that the graph lacks"),
            ).at_times(),
            **{name: shape.at_times() for name, shape in _UNDONE.items()},
        ),
        left_out=_LEFT_OUT.at_times(),
    ),
    "unlock": row(taken_from=text("who held the lock").or_null()),
    "upgrade": row(
        type=text("that was asked for; null for all").or_null(),
        applied=texts("in their order"),
        plan=_PLAN.or_null(),
    ),
    "verify": row(
        graph=text("its address"),
        server=text("version and edition").or_null(),
        ledger=row("", heads=texts("null where it can't be read").or_null()),
        history=row("", heads=_HEADS),
        checked=row(
            "what was looked at",
            **{
                part: flag("")
                for part in ("history", "ledger", "models", "graph", "data")
            },
        ),
        unchecked=_UNCHECKED,
        read=row(
            "what was read for its properties, of how many; null where nothing was",
            nodes=number().or_null(),
            of_nodes=number().or_null(),
            relationships=number().or_null(),
            of_relationships=number().or_null(),
            full=flag("whether all was asked for").or_null(),
        ),
        counts=_COUNTS,
        findings=rows("the gravest first", **_FINDING),
    ),
}
