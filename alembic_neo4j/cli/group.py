"""How every verb is found, helped with and ended, whichever it is."""

from __future__ import annotations

import json
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any

import click

from alembic_neo4j.cli.examples import EXAMPLES
from alembic_neo4j.cli.invocation import Invocation, accept_options

# The help of a verb: whole sentences, every option, and an example --------------------


def settled(command: click.Command, path: str) -> click.Command:
    """Return a command whose help, and that of its verbs, is shown in our way."""

    def get_help(context: click.Context) -> str:
        return help_text(command, context, examples_of(path, command))

    # The class of a command is its author's choice; what it shows is not.
    setattr(command, "get_help", get_help)  # noqa: B010
    if isinstance(command, click.Group):
        for name, verb in command.commands.items():
            settled(verb, f"{path} {name}")
    return command


def examples_of(path: str, command: click.Command) -> Sequence[str]:
    """Return commands that show how a verb is used; one without them has its usage."""
    if path in EXAMPLES or isinstance(command, click.Group):
        return EXAMPLES.get(path, ())
    arguments = [
        str(parameter.human_readable_name)
        for parameter in command.params
        if isinstance(parameter, click.Argument) and parameter.required
    ]
    return (" ".join(["alembic-neo4j", path, *arguments]),)


def help_text(
    command: click.Command, context: click.Context, examples: Sequence[str]
) -> str:
    """Return the help; in boxes and colours where a terminal shows it."""
    # They take a moment to import, and only help needs them.
    from rich.padding import Padding
    from rich.text import Text
    from rich_click import (
        RichCommand,
        RichContext,
        RichGroup,
        RichHelpConfiguration,
        RichHelpFormatter,
    )

    from alembic_neo4j.cli.findings import is_terminal

    shown: RichCommand = RichCommand(
        name=None, params=command.params, help=command.help
    )
    if isinstance(command, click.Group):
        shown = RichGroup(name=None, params=command.params, help=command.help)
        for name in command.list_commands(context):
            verb = command.get_command(context, name)
            shown.add_command(click.Command(name, help=verb.help if verb else ""))
    box = "ROUNDED" if is_terminal() else "BLANK"
    settings = RichHelpConfiguration(
        text_markup=None,
        text_emojis=False,
        style_options_panel_box=box,
        style_commands_panel_box=box,
        width=None if is_terminal() else _PLAIN_WIDTH,
        max_width=_MOST_WIDTH,
        show_arguments=False,
    )
    formatter = RichHelpFormatter(config=settings)
    rich_context = RichContext(
        shown,
        info_name=context.info_name,
        parent=context.parent,
        help_option_names=context.help_option_names,
    )
    shown.format_help(rich_context, formatter)
    if examples:
        formatter.write(Text(" Examples:" if len(examples) > 1 else " Example:"))
    for example in examples:
        formatter.write(Padding(Text(example), (0, 3)))
    return "\n".join(
        line.rstrip() for line in formatter.getvalue().splitlines()
    ).strip()


_PLAIN_WIDTH = 88
_MOST_WIDTH = 110


# How every verb is found, helped with and ended, whichever it is ----------------------


_AS_USUAL = {
    "downgrade": ["-1"],
    "edit": ["head"],
    "merge": ["heads"],
    "revision": ["--autogenerate", "-m", "what changes"],
    "show": ["head"],
    "stamp": ["head"],
    "upgrade": ["head"],
}
"""What Alembic's verbs are mostly followed by."""


class _Failure(click.ClickException):
    """An error of ours or of Alembic's; its class is told where that is JSON."""

    exit_code = 2

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.kind = type(error).__name__


class _Interruption(click.ClickException):
    """Ctrl-C in a verb that only looks."""

    exit_code = 130
    kind = "Interrupted"

    def show(self, file: Any = None) -> None:
        """Say that it was interrupted, in one line."""
        click.echo(self.message, err=True, file=file)


class VerbGroup(click.Group):
    """A group whose commands are named by module and function in a registry.

    An error of ours or of Alembic's ends the command with status 2, an interrupt with
    130. With ``--format json`` there is one object on stdout whatever happens.
    """

    def __init__(self, *arguments: Any, verbs: dict[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.verbs = verbs
        settled(self, "")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, sorted."""
        return sorted({*super().list_commands(ctx), *self.verbs})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, imported at this moment."""
        if cmd_name not in self.verbs:
            return super().get_command(ctx, cmd_name)
        module, _, function = self.verbs[cmd_name].partition(":")
        command = getattr(import_module(module), function)
        assert isinstance(command, click.Command)
        _accept_options(command)
        return settled(command, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that is named; raises UsageError with what may be meant."""
        name = args[0]
        if name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        raise click.UsageError(self._unknown(ctx, name, args[1:]), ctx)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; what went wrong is raised as one message."""
        try:
            # Importing takes most of a verb's time: it may be interrupted, too.
            from alembic.util.exc import CommandError

            try:
                return super().invoke(ctx)
            except CommandError as error:
                raise _Failure(error) from error
        except KeyboardInterrupt:
            raise _Interruption("Interrupted.") from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and exit; every error is reported as was asked for."""
        given = list(sys.argv[1:] if args is None else args)
        extra.setdefault("obj", Invocation(as_json=_asks_for_json(given)))
        run: Callable[[], Any] = partial(
            super().main, given, prog_name, complete_var, False, **extra
        )
        if not standalone_mode:
            return run()
        with _ended(extra["obj"]):
            status = run()
        sys.exit(status if isinstance(status, int) else 0)

    def _unknown(self, ctx: click.Context, name: str, rest: list[str]) -> str:
        from difflib import get_close_matches

        theirs = _alembic_verbs()
        if name in theirs:
            call = _alembic_call(ctx.ensure_object(Invocation), name, rest)
            return f"`{name}` is Alembic's: {call}"
        said = f"There is no verb `{name}`."
        close = get_close_matches(name, [*self.list_commands(ctx), *theirs])
        ours = [f"`{verb}`" for verb in close if verb not in theirs]
        if close and close[0] in theirs:
            call = _alembic_call(ctx.ensure_object(Invocation), close[0], rest)
            return f"{said} Did you mean Alembic's `{close[0]}`: {call}"
        return f"{said} Did you mean {' or '.join(ours)}?" if ours else said


def _accept_options(command: click.Command) -> None:
    accept_options(command)
    if isinstance(command, click.Group):
        for verb in command.commands.values():
            _accept_options(verb)


def _alembic_verbs() -> list[str]:
    from alembic import command

    return [
        name
        for name, function in vars(command).items()
        if not name.startswith("_")
        and getattr(function, "__module__", "") == command.__name__
    ]


def _alembic_call(given: Invocation, verb: str, rest: list[str]) -> str:
    files = [str(path) for path in given.config_files] or ["neo4j.ini"]
    before = [part for file in files for part in ("-c", file)]
    before += ["-n", given.name] if given.name else []
    before += [part for argument in given.x for part in ("-x", argument)]
    after = " ".join(rest).replace("--format json", "").split()
    return shlex.join(["alembic", *before, verb, *(after or _AS_USUAL.get(verb, []))])


# How it ends -------------------------------------------------------------------------


def _asks_for_json(given: Sequence[str]) -> bool:
    """Whether a report as JSON is asked for, even where the line can't be read."""
    words = list(given)
    words = words[: words.index("--")] if "--" in words else words
    return "--format=json" in words or ("--format", "json") in pairwise(words)


@contextmanager
def _ended(invocation: Invocation) -> Iterator[None]:
    """Report what is raised; exit with its status."""
    try:
        yield
    except click.ClickException as error:
        error.show()
        kind = getattr(error, "kind", type(error).__name__)
        _report(invocation, kind, error.format_message(), error.exit_code)
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Aborted!", err=True)
        _report(invocation, "Aborted", "It was not confirmed.", 1)
        sys.exit(1)
    except SystemExit as end:
        if isinstance(end.code, int) and end.code > 128:
            said = "It was interrupted, and goes on when it is called again."
            _report(invocation, "Interrupted", said, end.code)
        raise
    except Exception as error:
        said = traceback.format_exception_only(error)[-1].strip()
        _report(invocation, type(error).__name__, said, 1)
        raise


def _report(invocation: Invocation, kind: str, message: str, status: int) -> None:
    if invocation.as_json and not invocation.reported:
        error = {"type": kind, "message": message, "exit_status": status}
        click.echo(json.dumps({"error": error}, indent=2))
