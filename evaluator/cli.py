"""The command line: every room brings its commands; each is imported only when it is called."""

from __future__ import annotations

import importlib
import os
import sys

import click

from evaluator import __version__

# Before NumPy is loaded: one thread of linear algebra adds in one order on any number of processors, and two processes
# on one machine don't fight for them. What is worth several threads starts its own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

COMMANDS = {  # command: where it is defined
    "demo": "evaluator.demo.cli:demo",
    "serve": "evaluator.serving:serve",
    "upgrade": "evaluator.serving:upgrade",
    "snapshot": "evaluator.rating.cli:snapshot",
    "rate": "evaluator.rating.cli:rate",
    "verify": "evaluator.rating.cli:verify",
    "scheme": "evaluator.rating.scheme_cli:scheme",
    "stages": "evaluator.rating.scheme_cli:stages",
    "publish": "evaluator.publication.cli:publish",
    "edition": "evaluator.publication.cli:edition",
    "workbench": "evaluator.workbench.cli:workbench",
    "questionnaire": "evaluator.collection.cli:questionnaire",
    "campaign": "evaluator.collection.cli:campaign",
    "receipt": "evaluator.ledger.receipt_cli:receipt",
    "log": "evaluator.ledger.cli:log",
    "units": "evaluator.units.cli:units",
    "accounts": "evaluator.accounts.cli:accounts",
    "assessment": "evaluator.assessment.cli:assessment",
    "records": "evaluator.records.cli:records",
}


class Commands(click.Group):
    """Commands that are imported when called, so that `evaluator verify` needs no database and starts at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def group() -> None:
    """Integrity ratings of governments: gather, rate, publish, verify.

    Exit codes: 0 done or yes; 1 the answer is no; 2 wrong input, with a message that says what, where and what would be
    right.
    """


def main() -> None:
    """Run the command line; what a user can mend is a message, never a traceback."""
    try:
        group(standalone_mode=True)
    except Exception as error:
        if not _mendable(error):
            raise
        click.echo(f"evaluator: {error}", err=True)
        sys.exit(2)


def _mendable(error: Exception) -> bool:
    # Imported only when something failed: they load the database and the web framework, which takes a second.
    from evaluator.database import DatabaseError
    from evaluator.ledger.appending import LogBehind, LogMoved
    from evaluator.ledger.keys import LogKeyError
    from evaluator.problems import Problem
    from evaluator.settings import SettingsError

    return isinstance(error, SettingsError | Problem | DatabaseError | LogBehind | LogMoved | LogKeyError)
