"""The commands of ``./chatelaine``: their names, and how their failures end."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword
from typing import cast

import click

from config_reader import ConfigError
from errors import ChatelaineError, KeysMissing

COMMANDS: Mapping[str, str] = {
    "audit": "Verify, export and sign the audit log.",
    "backup": "Make backups, prove that they can be restored, restore one.",
    "bench": "Measure how fast this installation's code is on this machine.",
    "check": "Go through every rule of a good deployment.",
    "credentials": "Refer to variables of the environment, and encrypt what they hold.",
    "database": "Bring the database up to date apart from serving.",
    "demo": "Show a made-up team on a throw-away database.",
    "import vault-kv": "Move credentials in from HashiCorp Vault or OpenBao.",
    "import": "Move credentials in from a file of another program.",
    "keys": "See and turn the keys that everything is encrypted under.",
    "lockouts": "See and lift lockouts.",
    "maintenance": "Run the housekeeping that the server does by itself.",
    "organizations": "List, make, suspend and resume organizations.",
    "people": "Invite and list people.",
    "secrets": "Make keys, and check those that are configured.",
    "serve": "Start the server; on a new machine, set everything up first.",
    "tokens": "List, create and revoke access tokens.",
}
"""Each is the command of that name in the module ``commands.<name>``, imported when it is called.

Of two words, the command has its own module, and the first word alone may be a command, too.
"""

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
        # A word that Python keeps for itself stands with an underscore.
        own = f"{name}_" if iskeyword(name) else name.replace(" ", "_").replace("-", "_")
        return cast("click.Command", getattr(import_module(f"commands.{own}"), own))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command by its two words, or by the first."""
        words = " ".join(args[:2])
        if words in COMMANDS:
            return words, self.get_command(ctx, words), args[2:]
        return super().resolve_command(ctx, args)

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
