"""Our operations: reversible MigrateOperations, most of them around one change."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, Protocol, TypeVar, Union

from alembic.operations.base import Operations
from alembic.operations.ops import MigrateOperation

from alembic_neo4j.cypher.batch_rollback import RollbackCounts, Undo
from alembic_neo4j.cypher.loads import Load
from alembic_neo4j.cypher.steps import Run
from alembic_neo4j.errors import IrreversibleError, RevisionError
from alembic_neo4j.files.operations import FileOperation
from alembic_neo4j.graph.loading import LoadCounts
from alembic_neo4j.ledger.batches import Loader, Source
from alembic_neo4j.ledger.files import PathState
from alembic_neo4j.migration.revision_code import OwnThread
from alembic_neo4j.migration.revision_files import statements_of
from alembic_neo4j.schema import changes
from alembic_neo4j.schema.changes import Call, Change, Irreversible
from alembic_neo4j.schema.changes.change import EVERYTHING, TouchedNames
from alembic_neo4j.schema.definitions import Property, Schema
from alembic_neo4j.schema.known_names import Name
from alembic_neo4j.schema.storable import check_parameter, storable
from alembic_neo4j.sentences import ended

# The arguments of an operation, judged by its annotations and by what graphs take -----


Function = TypeVar("Function", bound=Callable[..., Any])


def judged(function: Function) -> Function:
    """Return the function, which raises RevisionError for arguments that are wrong."""
    signature = inspect.signature(function)
    name = f"op.{function.__name__}"

    @functools.cache
    def hints() -> dict[str, Any]:
        # Read when it is first called: an import need not wait for that.
        return typing.get_type_hints(function)

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        try:
            bound = signature.bind(*arguments, **keywords)
        except TypeError as error:
            raise RevisionError(
                f"{name}: {ended(error)} Expected {name}{_shown(signature)}"
            ) from error
        for parameter, value in bound.arguments.items():
            _judge(name, signature.parameters[parameter], value, hints()[parameter])
        return function(*arguments, **keywords)

    return call  # type: ignore[return-value]


def check_defaults(*declared: Property, allow_nan: bool) -> None:
    """Raise RevisionError for a declared default that no property can hold.

    One that is NaN or infinite needs `allow_nan`.
    """
    for property in declared:
        check_default_of(property.name, property.default, allow_nan=allow_nan)


def check_default_of(name: str, default: Any, *, allow_nan: bool) -> None:
    """Raise RevisionError where no property can hold what is to be the default."""
    try:
        storable(default, allow_nan=allow_nan)
    except ValueError as error:
        raise RevisionError(
            f"expected in the default of {name!r} what a property can hold, found "
            f"{_short(default)}: {error}"
        ) from None


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise RevisionError for a parameter of raw Cypher that the driver can't send."""
    for name, value in parameters.items():
        try:
            check_parameter(value)
        except ValueError as error:
            raise RevisionError(
                f"expected in the parameter ${name} what can be sent to Neo4j, found "
                f"{_short(value)}: {error}"
            ) from None


def _shown(signature: inspect.Signature) -> str:
    names = []
    starred = False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            names.append("*")
        variable = parameter.kind is parameter.VAR_POSITIONAL
        starred = starred or variable or parameter.kind is parameter.KEYWORD_ONLY
        optional = "" if parameter.default is parameter.empty else "=…"
        names.append(f"{'*' if variable else ''}{parameter.name}{optional}")
    return f"({', '.join(names)})"


def _judge(name: str, parameter: inspect.Parameter, value: Any, hint: Any) -> None:
    if value is parameter.default:
        return
    values = value if parameter.kind is parameter.VAR_POSITIONAL else (value,)
    for each in values:
        if not _fits(each, hint):
            raise RevisionError(
                f"{name}: {parameter.name} = {_short(each)}: expected {_named(hint)}, "
                f"found {type(each).__name__}"
            )


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the annotated type, as far as that can be told."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return any(value == part and type(part) is not bool for part in parts)
    if hint in (int, float) and isinstance(value, bool):
        return False
    if hint is float:
        return isinstance(value, (int, float))
    kind = origin or hint
    if not isinstance(kind, type):
        return True
    if kind is not str and isinstance(value, (str, bytes)) and origin is Iterable:
        # What loads rows says where the rows of a file belong.
        return True
    if origin is not None and issubclass(kind, Mapping):
        return isinstance(value, Mapping)
    if origin is not None and issubclass(kind, Iterable):
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            return False
        listed = isinstance(value, (list, tuple)) and len(parts) == 1
        return not listed or all(_fits(item, parts[0]) for item in value)
    return isinstance(value, kind)


def _named(hint: Any) -> str:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint is type(None):
        return "None"
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(_named, parts)))
    if origin is Literal:
        return " or ".join(map(repr, parts))
    if origin is not None and isinstance(origin, type):
        of = [_named(part) for part in parts if part is not Any]
        what = "a mapping" if issubclass(origin, Mapping) else "a list"
        return f"{what} of {of[-1]}" if of else what
    return getattr(hint, "__name__", str(hint))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


# Our operations: reversible MigrateOperations, most of them around one change ---------


class Runner(ABC):
    """Takes the operations of a revision: a server, a script, or a recording.

    `file` is the revision's, `schema` the history's up to the last operation. `thread`
    is the only one that may ask for anything.
    """

    file: str
    schema: Schema
    thread: OwnThread

    def invoke(self, operation: GraphOperation) -> Any:
        """Do what the operation asks for and return its rows, if it has any."""
        self.thread.check()
        return operation.carry_out(self)

    @abstractmethod
    def change(self, change: Change) -> None:
        """Make a change of the schema."""

    @abstractmethod
    def ask(self, text: str, parameters: Mapping[str, Any], *, repeatable: bool) -> Any:
        """Run a Cypher statement after all that was called before; return its rows."""

    @abstractmethod
    def execute(self, cypher: str) -> None:
        """Run a Cypher statement whose rows nobody wants."""

    @abstractmethod
    def add(self, steps: Sequence[Run]) -> None:
        """Run statements whose rows nobody wants, and whose kind is known."""

    @abstractmethod
    def begin_batch(self, name: str | None, loader: Loader | None = None) -> str:
        """Begin the batch that rows are loaded into from here on; return its name."""

    @abstractmethod
    def batch(self, operation: BatchOperation) -> Any:
        """Carry out an operation on batches of data, and return what it returns."""

    @abstractmethod
    def on_ledger(self, text: str, act: Callable[[], None]) -> None:
        """Do what the revision asks of the ledger's database; `text` tells what."""

    @abstractmethod
    def read_file(self, path: str) -> PathState | None:
        """Return what is at a path of the project, None where nothing is read."""

    @abstractmethod
    def change_files(self, operation: FileOperation) -> None:
        """Do to files of the project what an operation asks for."""

    @abstractmethod
    def autocommit_block(self) -> AbstractContextManager[None]:
        """Enter a block whose statements run outside of explicit transactions."""


class BatchRunner(Runner):
    """Takes what operations on batches of data come to.

    `tag` is the property that tells the batch of what is loaded.
    """

    tag: str

    def batch(self, operation: BatchOperation) -> Any:
        """Carry out an operation on batches of data, and return what it returns."""
        return operation.perform(self)

    @abstractmethod
    def load(self, load: Load, origin: Source | None = None) -> LoadCounts:
        """Load rows of an origin into the batch that was begun."""

    @abstractmethod
    def undo(self, undo: Undo) -> RollbackCounts:
        """Undo batches; where none is named, those of the revision."""

    @abstractmethod
    def check_interrupts(self) -> None:
        """Raise Interrupted where a signal has come."""


class GraphOperation(MigrateOperation, ABC):
    """An operation that our impl runs, whatever its kind."""

    @abstractmethod
    def carry_out(self, runner: Runner) -> Any:
        """Have it done, and return what the revision gets."""


class BatchOperation(GraphOperation):
    """An operation on a batch of data; it is no change of the schema."""

    unwritten = ""
    """What of it can't be written to a script."""

    @property
    def title(self) -> str:
        """What it does, in a few words."""
        return ""

    @property
    def replayed(self) -> Any:
        """What it returns where nothing runs."""
        return None

    @property
    def wanted(self) -> tuple[Name, ...]:
        """The labels and types that a model has to have."""
        return ()

    @property
    def sought(self) -> tuple[Name, ...]:
        """The labels and types that have to be there for an effect."""
        return ()

    @property
    def made(self) -> tuple[Name, ...] | None:
        """The labels and types that it writes, None where that is not known yet."""
        return None

    def writes(self, _schema: Schema) -> TouchedNames:
        """Return what of the data it changes, with the models of a schema."""
        return EVERYTHING

    def problem(self, _schema: Schema) -> str:
        """Return what is wrong with its rows, as far as that can be seen by now."""
        return ""

    def carry_out(self, runner: Runner) -> Any:
        """Have it done, and return what the revision gets."""
        return runner.batch(self)

    @abstractmethod
    def perform(self, runner: BatchRunner) -> Any:
        """Do it, where it is not merely noted."""


class ChangeOp(GraphOperation):
    """An operation that makes one change of the schema, and of the graph with it.

    `change` is the value; each class of changes has its class of operations, so that
    an Alembic ``Rewriter`` can name it: `AddIndexOp` makes an `AddIndex`. `comment`
    stands above it in a revision file.
    """

    def __init__(self, change: Change, comment: str = "") -> None:
        self.change = change
        self.comment = comment

    @staticmethod
    def of(change: Change) -> ChangeOp:
        """Return the operation that makes the change."""
        return class_of(type(change))(change)

    @property
    def call(self) -> Call:
        """The call that a revision file writes for this operation."""
        return self.change.call

    def carry_out(self, runner: Runner) -> None:
        """Make the change."""
        runner.change(self.change)

    def reverse(self) -> GraphOperation:
        """Return the operation that undoes this one, or one that refuses to."""
        try:
            return ChangeOp.of(self.change.reverse())
        except Irreversible as reason:
            return IrreversibleOp(str(reason))

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and its arguments, as `alembic check` prints."""
        written = self.call
        keywords = sorted(f"{k}={v!r}" for k, v in written.keywords.items())
        arguments = (_name_of(argument) for argument in written.arguments)
        return (written.name, *arguments, *keywords)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChangeOp) and other.change == self.change

    def __hash__(self) -> int:
        return hash(type(self.change))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.change!r})"


@cache
def class_of(kind: type[Change]) -> type[ChangeOp]:
    """Return the class of the operations that make a class of changes."""
    if kind is Change:
        return ChangeOp
    bases = tuple(class_of(base) for base in kind.__bases__ if issubclass(base, Change))
    return type(f"{kind.__name__}Op", bases, {"__module__": __name__})


def __getattr__(name: str) -> type[ChangeOp]:
    kind = getattr(changes, name.removesuffix("Op"), None)
    if not (
        name.endswith("Op") and isinstance(kind, type) and issubclass(kind, Change)
    ):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return class_of(kind)


@dataclass
class RunCypherOp(GraphOperation):
    """`op.run_cypher`: a statement that a person wrote; it has no reverse."""

    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    repeatable: bool = False

    def __post_init__(self) -> None:
        check_parameters(self.parameters)

    def carry_out(self, runner: Runner) -> Any:
        """Run it and return its rows."""
        return runner.ask(self.text, self.parameters, repeatable=self.repeatable)

    def reverse(self) -> GraphOperation:
        """Return an operation that says so."""
        return IrreversibleOp("op.run_cypher has no reverse of itself")

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and text."""
        return ("run_cypher", self.text)


class Bind(Protocol):
    """The graph, as a revision sees it."""

    def run(self, cypher: str, **parameters: Any) -> list[dict[str, Any]]:
        """Run a statement at once and return its rows, each a dict by column."""
        ...


class RunnerBind:
    """The bind over a runner."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def run(self, cypher: str, **parameters: Any) -> list[dict[str, Any]]:
        """Run a statement at once and return its rows, each a dict by column."""
        if not isinstance(cypher, str):
            raise RevisionError(
                f"get_bind().run: cypher = {cypher!r}: expected a Cypher text, found "
                f"{type(cypher).__name__}"
            )
        rows: list[dict[str, Any]] = self._runner.invoke(
            RunCypherOp(cypher, parameters)
        )
        return rows


@dataclass
class RunCypherFileOp(GraphOperation):
    """`op.run_cypher_file`: the statements of a file; it has no reverse."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    repeatable: bool = False

    def __post_init__(self) -> None:
        check_parameters(self.parameters)

    def carry_out(self, runner: Runner) -> None:
        """Run the statements of the file."""
        given = (self.name, runner.file, self.parameters)
        runner.add(statements_of(*given, repeatable=self.repeatable))

    def reverse(self) -> GraphOperation:
        """Return an operation that says so."""
        return IrreversibleOp("op.run_cypher_file has no reverse of itself")

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the operation's name and the file's."""
        return ("run_cypher_file", self.name)


@dataclass
class IrreversibleOp(GraphOperation):
    """Stands in a downgrade where the upgrade can't be undone, and says why."""

    reason: str

    def carry_out(self, _runner: Runner) -> None:
        """Refuse to go on."""
        raise IrreversibleError(self.reason)

    def reverse(self) -> GraphOperation:
        """Return itself."""
        return self

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the reason."""
        return ("irreversible", self.reason)


@Operations.implementation_for(GraphOperation)
def _run(operations: Operations, operation: GraphOperation) -> Any:
    # Alembic's own dispatch walks the class hierarchy; ours is the impl's.
    return operations.impl.run(operation)  # type: ignore[union-attr]


def _name_of(argument: Any) -> Any:
    return getattr(argument, "name", getattr(argument, "type", argument))
