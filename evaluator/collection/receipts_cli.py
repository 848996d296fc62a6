"""Taking back, leaving out, and the end of a campaign's key, on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


async def _campaign(code: str) -> Any:
    from evaluator.collection.campaigns import load_campaign
    from evaluator.problems import Problem

    found = await load_campaign(code)
    if found is None:
        raise Problem(404, "No such campaign", "There is no campaign “%(code)s”.", code=code)
    return found


@click.command()
@click.argument("code")
@click.argument("file", type=FILE)
@click.option("--withdrawal-code", prompt="Withdrawal code", help="24 letters and digits; asked for when left out")
def withdraw(code: str, file: Path, withdrawal_code: str) -> None:
    """Take an answer back for somebody who wrote to the office, until the close: FILE is the slip.

    Answer and salt are erased at once, and the log says that an answer was taken back. This cannot be undone.
    """
    from evaluator.collection.cli import _run
    from evaluator.collection.slips import read_slip
    from evaluator.collection.withdrawal import read_token
    from evaluator.collection.withdrawal import withdraw as take_back
    from evaluator.settings import read_settings

    slip = read_slip(file.read_text(encoding="utf-8-sig", errors="replace"))
    if slip is None:
        raise click.UsageError(f"{file}: this is no slip; give its whole text, from the first line to the last")
    if slip.campaign != code:
        raise click.UsageError(f"{file}: this slip is of the campaign {slip.campaign!r}, not of {code!r}")
    token = read_token(withdrawal_code)
    if token is None:
        raise click.UsageError("the withdrawal code has 24 letters and digits; compare them one by one")

    async def take() -> str:
        from evaluator.collection.campaigns import right_now

        return await take_back(read_settings(), await _campaign(code), slip.leaf, token, right_now())

    if _run(take()) == "already":
        click.echo(f"campaign {code}: this answer was taken back before; nothing was changed")
    else:
        click.echo(f"campaign {code}: the answer is erased, and the log says so")


@click.command()
@click.argument("code")
@click.argument("leaves", type=FILE)
@click.option("--rule", required=True, help="code of a rule in the campaign's logged manifest")
def exclude(code: str, leaves: Path, rule: str) -> None:
    """Leave responses out of the count under a rule that was registered before opening.

    LEAVES is a file of leaf hashes, one a line in hexadecimal. Nothing is deleted, and the log names leaf and rule.
    """
    from evaluator.collection import exclusion
    from evaluator.collection.cli import _run
    from evaluator.settings import read_settings

    named = exclusion.read_leaves(leaves.read_text(encoding="utf-8", errors="replace"))

    async def leave_out() -> int:
        return await exclusion.exclude(read_settings(), await _campaign(code), rule, named)

    number = _run(leave_out())
    click.echo(f"campaign {code}: {number:,} left out under {rule}, {len(named) - number:,} were already")


@click.command()
@click.argument("code")
@click.argument("leaves", type=FILE)
def reinstate(code: str, leaves: Path) -> None:
    """Count responses again that were left out. LEAVES is a file of leaf hashes, one a line in hexadecimal."""
    from evaluator.collection import exclusion
    from evaluator.collection.cli import _run
    from evaluator.settings import read_settings

    named = exclusion.read_leaves(leaves.read_text(encoding="utf-8", errors="replace"))

    async def take_in() -> int:
        return await exclusion.reinstate(read_settings(), await _campaign(code), named)

    number = _run(take_in())
    click.echo(f"campaign {code}: {number:,} taken in again, {len(named) - number:,} were not left out")


@click.command("destroy-key")
@click.argument("code")
@click.option("--yes", is_flag=True, help="do it: it cannot be undone")
def destroy_key(code: str, yes: bool) -> None:
    """Destroy the key of a sealed campaign, when the time for appeals is over, and say so in its log.

    Afterwards nobody can match codes, accounts or withdrawal codes with what is stored. Receipts go on to hold.
    """
    from evaluator.collection.cli import _run
    from evaluator.collection.closing import destroy_key as destroy
    from evaluator.settings import read_settings

    if not yes:
        raise click.UsageError(
            f"the key of {code} would be gone for ever: no code and no account can be looked up any more; "
            "say --yes to do it"
        )

    async def do() -> bool:
        return await destroy(read_settings(), await _campaign(code))

    done = _run(do())
    told = ", and the log says so" if done else "; the log said so before"
    click.echo(f"campaign {code}: the key is destroyed{told}")


commands = (withdraw, exclude, reinstate, destroy_key)
