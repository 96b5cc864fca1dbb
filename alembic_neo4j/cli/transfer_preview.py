"""What a dry run of a transfer tells: counts, memory, and a warning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic_neo4j.command.transfer_preview import TransferPreview


def previewed(found: TransferPreview, warning: str | None) -> Iterator[str]:
    """Yield the counts of a transfer that is only previewed, and what it needs."""
    counts = [(f"{part.what} {part.name}", part.rows) for part in found.parts]
    counts += [(f"left out: {one.title}", one.count) for one in found.left_out]
    widest = max((len(title) for title, _ in counts), default=0)
    for title, count in counts:
        yield f"  {title:<{widest}}  {count:>9,}"
    given = found.server_bytes
    told = "what the server does not tell" if given is None else _mebibytes(given)
    yield (
        f"  memory of the largest transaction: about "
        f"{_mebibytes(found.transaction_bytes)} of {told}"
    )
    if warning:
        yield f"  Warning: {warning}"


def memory_warning(found: TransferPreview) -> str | None:
    """Return a warning where the server may run out of memory, None elsewhere."""
    if not found.is_too_large:
        return None
    return (
        "a transaction may take more than a quarter of what the server has for all of "
        f"them: say --batch-size {found.fitting}, or give it more memory"
    )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
