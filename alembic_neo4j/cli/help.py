"""The help of a verb: whole sentences, every option, and an example."""

from __future__ import annotations

from collections.abc import Sequence

import click

from alembic_neo4j.cli.examples import EXAMPLES


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
