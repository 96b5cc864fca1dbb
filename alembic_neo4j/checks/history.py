"""Judging the revision files by themselves, beside the ledger and the models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from alembic_neo4j.checks.findings import Finding
from alembic_neo4j.ledger.store import AppliedRevision

if TYPE_CHECKING:
    from alembic_neo4j.checks.evidence import (
        HistoryEvidence,
        LedgerEvidence,
        ModelEvidence,
        RevisionFile,
    )


def judge_history(history: HistoryEvidence) -> Iterator[Finding]:
    """Yield what is wrong with the files by themselves."""
    if history.failure:
        yield Finding(
            "history-broken",
            "the revision files",
            "every file can be loaded and replayed in memory",
            history.failure,
            "Mend the file; what depends on it has not been checked.",
        )
    for problem in history.problems:
        yield Finding(
            "history-broken",
            "the revision files",
            "a chain in which each revision is there once",
            problem,
            "Mend the files.",
        )
    if len(history.heads) > 1 and not history.labelled:
        yield Finding(
            "several-heads",
            "the history",
            "one head, or branches that have labels",
            shown_heads(history.heads),
            "Join them: `alembic -c neo4j.ini merge heads`.",
        )
    for file in history.files.values():
        if file.replayed_hash not in (None, file.schema_hash):
            yield Finding(
                "schema-hash-stale",
                f"revision {file.revision}",
                f"schema_hash = {file.replayed_hash!r}, what it replays to",
                f"schema_hash = {file.schema_hash!r} in {file.path}",
                "It was edited by hand, or one below it was. No upgrade minds.",
                "write the hash into the file",
                revision=file.revision,
            )


def judge_ledger(ledger: LedgerEvidence, history: HistoryEvidence) -> Iterator[Finding]:
    """Yield where the ledger does not fit the files, and what is still to be run."""
    if ledger.readable:
        yield Finding(
            "ledger-readable",
            "the ledger",
            "a file that only its user may read (mode 0600)",
            f"{ledger.readable} is open to other users",
            "It was there before, or was opened up on purpose: where it was not, "
            f"`chmod 600 {ledger.readable}`.",
        )
    for revision, record in ledger.applied.items():
        yield from _judge_file(revision, record, history)
    if history.files or not history.failure:
        yield from _judge_heads(ledger, history)
    if history.pending:
        yield Finding(
            "pending",
            f"revision {', '.join(history.pending)}",
            f"the ledger at {shown_heads(history.heads)}",
            f"the ledger at {shown_heads(ledger.heads)}",
            "Run `alembic -c neo4j.ini upgrade head`.",
        )


def judge_models(models: ModelEvidence) -> Iterator[Finding]:
    """Yield where the models have changed without a revision."""
    if models.failure:
        yield Finding(
            "models-unreadable",
            "the models",
            "modules that can be imported and declare one schema",
            models.failure,
            "Mend the models, or correct neo4j.models.",
        )
    for difference in models.differences:
        yield Finding(
            "models-differ",
            "the models",
            "no change without a revision",
            difference,
            "Run `alembic -c neo4j.ini revision --autogenerate`.",
        )


def _judge_file(
    revision: str, record: AppliedRevision, history: HistoryEvidence
) -> Iterator[Finding]:
    when = f"{record.applied_at:%Y-%m-%d %H:%M} by {record.applied_by}"
    file = history.files.get(revision)
    if file is None:
        # A history that can't be loaded has no files at all.
        if not (history.failure and not history.files):
            yield Finding(
                "file-missing",
                f"revision {revision}",
                f"the file that was applied at {when}",
                f"no file of it in {history.directory}",
                "Restore the file.",
                revision=revision,
            )
    elif file.file_hash != record.file_hash:
        yield _edited(file, record, when)


def _edited(file: RevisionFile, record: AppliedRevision, when: str) -> Finding:
    subject = f"revision {file.revision}"
    if file.code_hash == record.code_hash:
        return Finding(
            "file-reformatted",
            subject,
            f"the file as it was applied at {when}",
            f"other comments or whitespace in {file.shown}",
            "It does the same. Restore the file, or take it as it is: "
            "`alembic-neo4j repair`.",
            "take the file as what was applied",
            revision=file.revision,
        )
    return Finding(
        "file-edited",
        subject,
        f"the file as it was applied at {when}",
        f"another one: {file.shown}",
        "Put the change into a revision of its own and restore the file. Where the "
        "graph is what the file says now: `alembic-neo4j repair --only file-edited`.",
        "take the file as what was applied",
        decision=True,
        revision=file.revision,
    )


def _judge_heads(ledger: LedgerEvidence, history: HistoryEvidence) -> Iterator[Finding]:
    unknown = [head for head in ledger.heads if head not in history.files]
    for head in unknown:
        yield Finding(
            "head-unknown",
            f"revision {head}",
            f"a revision of {history.directory}",
            "the ledger is at it, and there is no file of it",
            f"Get the files of those who applied it, or correct {ledger.ledger_origin}."
            if head in ledger.applied
            else "It was never recorded as applied: another program wrote to the "
            "version table, or it is damaged. Give the graph a version table of its "
            "own (version_table), or restore the ledger.",
            revision=head,
        )
    if unknown:
        return
    for revision in history.below:
        if revision not in ledger.applied:
            yield _unrecorded(revision, ledger)
    for revision in ledger.applied:
        if revision in history.files and revision not in history.below:
            yield Finding(
                "ledger-inconsistent",
                f"revision {revision}",
                f"only what {shown_heads(ledger.heads)} builds on is applied",
                "the ledger has it as applied all the same",
                "Another program wrote to the version table, or the file was given "
                "another down_revision. Say where the graph is: "
                "`alembic -c neo4j.ini stamp --purge REVISION`.",
                revision=revision,
            )


def _unrecorded(revision: str, ledger: LedgerEvidence) -> Finding:
    if revision in ledger.heads:
        return Finding(
            "ledger-inconsistent",
            f"revision {revision}",
            "what the version table has is recorded as applied",
            "the version table is at it, and no record says so",
            "Another program wrote to the version table. Say where the graph is: "
            "`alembic -c neo4j.ini stamp --purge REVISION`.",
            revision=revision,
        )
    return Finding(
        "revision-inserted",
        f"revision {revision}",
        f"everything that {shown_heads(ledger.heads)} builds on was applied",
        "it was not, and no upgrade will run it",
        "Make it a new head (correct its down_revision and that of the one above it). "
        "Where what it does is in the graph: "
        "`alembic -c neo4j.ini stamp --purge REVISION`.",
        revision=revision,
    )


def shown_heads(heads: Iterable[str]) -> str:
    """Return heads as messages name them."""
    return ", ".join(sorted(heads)) or "base"
