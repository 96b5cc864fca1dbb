"""Loading rows as a step, which is run by `graph.loading`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic_neo4j.cypher.before_images import ensure_text
from alembic_neo4j.cypher.load_defaults import Defaults
from alembic_neo4j.cypher.load_rows import Row, checked_row, packed
from alembic_neo4j.cypher.load_statements import load_statements
from alembic_neo4j.cypher.load_targets import LoadTarget
from alembic_neo4j.cypher.quoting import commented, inline
from alembic_neo4j.cypher.steps import Atomicity, Step
from alembic_neo4j.errors import OfflineError
from alembic_neo4j.identity import meaning

LOAD_BATCH_SIZE = 5_000
"""How many rows one transaction loads."""

MOST_ROWS = 1_000
"""How many rows are written into a script."""


@dataclass(frozen=True)
class Load(Step):
    """Rows become nodes or relationships of a batch, each exactly once.

    What a batch creates gets its name as the property `tag`. The rows are gone through
    once; when a run goes on, once more, past those that are loaded. `source` is what
    tells beforehand that they are the same, such as the SHA-256 of their file. What is
    created gets the `defaults` of properties of which its row has no value. Values that
    are `judged` were found to be storable as they were read; of all others
    `allow_nan` says whether they may be NaN or infinite.
    """

    target: LoadTarget
    rows: Iterable[Any]
    batch: str
    tag: str
    source: str = ""
    batch_size: int | None = None
    defaults: Defaults = field(default_factory=Defaults)
    allow_nan: bool = False
    judged: bool = False

    atomicity = Atomicity.MARKED_BATCHES

    @property
    def recorded_as(self) -> Any:
        """What the rows become, and of which batch."""
        return ["load", meaning(self, "target", "batch", "tag", "source")]

    @property
    def shown(self) -> str:
        """What its rows become."""
        return f"load of {self.target}"

    @property
    def script(self) -> str:
        """The statements with the rows in them.

        Raises OfflineError for rows that are no list, or too many for a script, and
        IngestError for those that can't be loaded.
        """
        texts = (f"{text};" for text in self._statements(self._listed_rows()))
        return "\n".join([commented(self.shown), *texts])

    def _statements(self, rows: Sequence[Row]) -> Iterator[str]:
        if not rows:
            return
        if self.target.merge_keys is not None:
            yield from ensure_text()
        names, lists = packed(self, rows, 1)
        defaults = self.defaults
        statements = load_statements(
            self.target, names, self.tag, self.batch, defaults.expressions
        )
        parameters = {**statements.parameters, **defaults.parameters, "rows": lists}
        for text in (*statements.images, statements.write):
            yield inline(text, parameters)

    def _listed_rows(self) -> list[Row]:
        if not isinstance(self.rows, Sequence):
            raise OfflineError(
                f"{self.shown}: its rows can't be written to a script, since they come "
                "from a file or an iterator. Run it with `alembic -c neo4j.ini "
                "upgrade`, or guard it with `if not op.get_context().as_sql:`"
            )
        if len(self.rows) > MOST_ROWS:
            raise OfflineError(
                f"{self.shown}: {len(self.rows):,} rows are too many for a script; "
                f"{MOST_ROWS:,} can be written. Run it with `alembic -c neo4j.ini "
                "upgrade`"
            )
        return [checked_row(row, number) for number, row in enumerate(self.rows, 1)]
