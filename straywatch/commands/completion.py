"""`straywatch completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_EXAMPLES = """\b
Examples:
  eval "$(straywatch completion bash)"            # in ~/.bashrc
  eval "$(straywatch completion zsh)"             # in ~/.zshrc
  straywatch completion fish | source             # in ~/.config/fish/config.fish
"""


@click.command(epilog=_EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in SHELL: bash, zsh or fish."""
    kind = get_completion_class(shell)
    if kind is None:  # click knows the three of the choice above
        raise click.UsageError(f"no completion for {shell}")
    root = ctx.find_root().command
    click.echo(kind(root, {}, "straywatch", "_STRAYWATCH_COMPLETE").source())
