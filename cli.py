"""The commands of ``./chatelaine``: their names, and how their failures end."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import cast

import click

from config_reader import ConfigError
from errors import ChatelaineError, KeysMissing

COMMANDS: Mapping[str, str] = {
    "audit": "Verify, export and sign the audit log.",
    "bench": "Measure how fast this installation's code is on this machine.",
    "check": "Go through every rule of a good deployment.",
    "demo": "Show a made-up team on a throw-away database.",
    "lockouts": "See and lift lockouts.",
    "maintenance": "Run the housekeeping that the server does by itself.",
    "people": "Invite and list people.",
    "secrets": "Make keys, and check those that are configured.",
    "serve": "Start the server; on a new machine, set everything up first.",
    "tokens": "List, create and revoke access tokens.",
}
"""Each is the command of that name in the module ``commands.<name>``, imported when it is called."""

EXIT_FAULT = 1
EXIT_CONFIGURATION = 78


class Commands(click.Group):
    """A group that imports a command only when it is called: most need little of the program."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if name not in COMMANDS:
            return None
        return cast("click.Command", getattr(import_module(f"commands.{name}"), name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([*sorted(COMMANDS.items()), ("test", "Run all tests.")])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Chatelaine, the credential room of a small team."""


def main() -> None:
    """Run a command; end with a sentence and an exit code, never with a traceback.

    Exit codes: 0 done, 1 found faults, 2 wrong usage, 78 wrong configuration.
    """
    # The database, its journals, copies and exports are the business of this user alone.
    os.umask(0o077)
    try:
        cli(prog_name="./chatelaine")
    except (ConfigError, KeysMissing) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_CONFIGURATION)
    except ChatelaineError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAULT)


if __name__ == "__main__":
    main()
