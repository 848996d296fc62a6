"""A campaign's life on the command line: made, opened, paused, resumed, changed, closed, and what it promised."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from questionnaires.loading import shipped, shipped_text

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
DAY = click.DateTime(["%Y-%m-%d"])
TARGET = click.IntRange(0, 1_000_000)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    from evaluator.collection.cli import _run as run

    return run(work)


def _today() -> Any:
    from evaluator.collection.campaigns import right_now, today
    from evaluator.settings import read_settings

    return today(right_now(), read_settings().zone)


def _text(name: str) -> str:
    file = Path(name)
    if name in shipped():
        return shipped_text(name)
    if file.is_file():
        return file.read_text(encoding="utf-8-sig")
    raise click.UsageError(f"{name}: no such file, and not shipped; shipped: {', '.join(shipped())}")


def _rules(file: Path | None) -> Any:
    """The rules of a file; what is wrong with it is told by place, exit code 2."""
    from evaluator.collection.rules import read_rules

    if file is None:
        return None

    text = file.read_text(encoding="utf-8-sig", errors="replace")

    async def read() -> Any:
        return read_rules(text, file.name)

    return _run(read())


def _targets(file: Path | None, target: int | None, units: Sequence[str]) -> Mapping[str, int]:
    """Responses wanted from each unit: the same from all, and what a file says of some."""
    from evaluator.collection.counts import read_targets

    found = {} if target is None else dict.fromkeys(units, target)
    return found if file is None else found | read_targets(file.read_bytes(), units)


async def _units(units: Sequence[str], under: Sequence[str], levels: Sequence[str]) -> list[str]:
    from evaluator.units.tables import Unit
    from evaluator.units.tree import subtree

    chosen = list(units)
    for root in under:
        below = await subtree(root)
        if not below:
            raise click.UsageError(f"--under {root}: there is no such unit")
        if levels:
            level = {row["code"]: row["level"] for row in await Unit.select(Unit.code, Unit.level)}
            below = [unit for unit in below if level[unit] in levels]
        chosen += below
    return list(dict.fromkeys(chosen))


@click.command()
@click.argument("code")
@click.option("--questionnaire", "-q", required=True, help=f"a YAML file, or shipped: {', '.join(shipped())}")
@click.option("--unit", "-u", "units", multiple=True, help="code of a unit to ask about; may be repeated")
@click.option("--under", multiple=True, help="all units under this one, and itself; may be repeated")
@click.option("--level", "levels", multiple=True, help="with --under: only units of this level; may be repeated")
@click.option("--opens", required=True, type=DAY, help="first day, YYYY-MM-DD")
@click.option("--closes", required=True, type=DAY, help="last day, inclusive")
@click.option("--title-zh", required=True)
@click.option("--title-en", required=True)
@click.option("--responsible-zh", required=True, help="who is responsible, for the notice")
@click.option("--responsible-en", required=True)
@click.option("--contact", required=True, help="whom to ask, for the notice")
@click.option("--kept-months", default=24, show_default=True, help="how long answers are kept after the close")
@click.option("--open-link/--no-open-link", default=True, show_default=True, help="whether anybody may answer")
@click.option("--sign-in", is_flag=True, help="people may also answer with an account; needs EVALUATOR_OIDC_ISSUER")
@click.option("--draft", is_flag=True, help="nobody sees it, and all of it can be changed, until `campaign open`")
@click.option("--target", type=TARGET, help="responses wanted from every unit")
@click.option("--targets", type=FILE, help="CSV or XLSX with the columns unit, target; goes before --target")
@click.option("--rules", type=FILE, help="YAML: when an answer may be left out, and thresholds; docs/operating.md")
@click.option("--simulated", is_flag=True, help="mark every page as simulated")
def new(
    code: str, questionnaire: str, units: Sequence[str], under: Sequence[str], levels: Sequence[str], opens: Any,
    closes: Any, title_zh: str, title_en: str, responsible_zh: str, responsible_en: str, contact: str,
    kept_months: int, open_link: bool, sign_in: bool, draft: bool, target: int | None, targets: Path | None,
    rules: Path | None, simulated: bool,
) -> None:  # fmt: skip
    """Put a questionnaire to the public for some units between two days.

    What it promises is logged at once; with --draft when it is opened.
    """
    from evaluator.collection.campaigns import create_campaign
    from evaluator.collection.labels import Label
    from evaluator.settings import read_settings

    text, registered = _text(questionnaire), _rules(rules)
    _check_sign_in(sign_in)

    async def make() -> int:
        chosen = await _units(units, under, levels)
        await create_campaign(
            read_settings(), code, questionnaire=text, file=questionnaire, units=chosen, opens=opens.date(),
            closes=closes.date(), title=Label(title_zh, title_en), responsible=Label(responsible_zh, responsible_en),
            contact=contact, kept_months=kept_months, open_link=open_link, sign_in=sign_in, simulated=simulated,
            draft=draft, targets=_targets(targets, target, chosen), rules=registered,
        )  # fmt: skip
        return len(chosen)

    said = f"campaign {code}: {_run(make()):,} units, {opens.date()} to {closes.date()}"
    click.echo(f"{said}; a draft: open it with: evaluator campaign open {code}" if draft else said)


DONE = {
    "open": "is open between its days; what it promises is logged: evaluator campaign manifest {code}",
    "pause": "is paused; what people have begun is kept. Servers that run know it within half a minute",
    "resume": "takes answers again. Servers that run know it within half a minute",
    "close": "is closed; its new last day is logged. The last answers are sealed within a day",
}


def _deed(name: Any, help_: str) -> click.Command:
    def decide(code: str) -> None:
        from evaluator.collection import stages
        from evaluator.settings import read_settings

        _run(stages.do(read_settings(), code, name, _today()))
        click.echo(f"campaign {code} {DONE[name].format(code=code)}")

    return click.command(name, help=help_)(click.argument("code")(decide))


@click.command()
@click.argument("code")
@click.option("--reason", default="", help="why: everybody can read it beside the new manifest; a draft needs none")
@click.option("--opens", type=DAY, help="first day; before it began")
@click.option("--closes", type=DAY, help="last day, today or later")
@click.option("--target", type=TARGET, help="responses wanted from every unit")
@click.option("--targets", type=FILE, help="CSV or XLSX with the columns unit, target; goes before --target")
@click.option("--rules", type=FILE, help="YAML; before it began")
@click.option("--unit", "-u", "units", multiple=True, help="a unit to ask about too; may be repeated")
@click.option(
    "--without", multiple=True, help="a unit that nobody has rated and nobody was invited for; may be repeated"
)
@click.option("--title-zh")
@click.option("--title-en")
@click.option("--responsible-zh")
@click.option("--responsible-en")
@click.option("--contact")
@click.option("--kept-months", type=int, help="of one that began: only fewer")
@click.option("--open-link/--no-open-link", default=None)
@click.option("--sign-in/--no-sign-in", default=None)
def change(
    code: str, reason: str, opens: Any, closes: Any, target: int | None, targets: Path | None, rules: Path | None,
    units: Sequence[str], without: Sequence[str], title_zh: str | None, title_en: str | None,
    responsible_zh: str | None, responsible_en: str | None, contact: str | None, kept_months: int | None,
    open_link: bool | None, sign_in: bool | None,
) -> None:  # fmt: skip
    """Change a campaign: a draft freely, an opened one as far as no answer is touched, with a reason.

    Of an opened one a new manifest is logged beside the old ones.
    """
    from evaluator.collection.amending import Changes, amend
    from evaluator.collection.cli import _live
    from evaluator.collection.labels import Label
    from evaluator.settings import read_settings

    registered = _rules(rules)
    _check_sign_in(bool(sign_in))

    def both(zh: str | None, en: str | None, now: Any) -> Any:
        return None if zh is None and en is None else Label(now.zh if zh is None else zh, now.en if en is None else en)

    async def make() -> str | None:
        found = await _live(code)
        asked = [unit for unit in dict.fromkeys((*found.units, *units)) if unit not in without]
        changes = Changes(
            title=both(title_zh, title_en, found.title), contact=contact, kept_months=kept_months, open_link=open_link,
            responsible=both(responsible_zh, responsible_en, found.responsible), sign_in=sign_in, rules=registered,
            opens=opens and opens.date(), closes=closes and closes.date(), more_units=units, fewer_units=without,
            targets=_targets(targets, target, asked),
        )  # fmt: skip
        return await amend(read_settings(), code, changes, _today(), reason)

    digest = _run(make())
    click.echo(
        f"campaign {code} changed; its new manifest is logged: SHA-256 {digest}"
        if digest
        else f"campaign {code}: nothing of what is logged changed"
    )


def _check_sign_in(wanted: bool) -> None:
    from evaluator.settings import read_settings

    if wanted and not read_settings().oidc_issuer:
        raise click.UsageError(
            "--sign-in: this site has no provider of accounts; set EVALUATOR_OIDC_ISSUER (docs/operating.md)"
        )


@click.command("manifest")
@click.argument("code")
@click.option("--out", type=NEW_FILE, help="file to write instead of printing; must be new")
def manifest_(code: str, out: Path | None) -> None:
    """Print what a campaign promised, as logged, and check it. Exit code 1: the database says something else."""
    from evaluator.collection import manifest
    from evaluator.collection.cli import _live, _new_file
    from evaluator.settings import read_settings

    async def found() -> tuple[Any, list[str], int]:
        campaign = await _live(code)
        logged = await manifest.history(campaign.id)
        wrong = await manifest.differences(read_settings(), campaign.id, code)
        return (logged[-1] if logged else None), wrong, len(logged)

    latest, wrong, number = _run(found())
    if latest is not None:
        if out is None:
            click.echo(latest.text)
        else:
            _new_file(out, latest.text.encode())
            click.echo(f"{out}: the manifest of {latest.day}")
        click.echo(f"SHA-256 {latest.digest}, logged on {latest.day}, number {number}", err=True)
    for line in wrong:
        click.echo(f"{code}: {line}", err=True)
    if wrong:
        raise SystemExit(1)
    click.echo("the database says the same, and so does the log", err=True)


def _another_name(command: click.Command, name: str) -> click.Command:
    return click.Command(name, callback=command.callback, params=command.params, help=command.help, hidden=True)


commands: list[click.Command] = [
    new,
    _another_name(new, "create"),
    _deed("open", "Open a draft: what it promises is logged, and it takes answers between its days."),
    _deed("pause", "Take no answers for a while; what people have begun is kept."),
    _deed("resume", "Take answers again after a pause."),
    _deed("close", "Close it today, for good: nobody can begin any more, and a new manifest says so."),
    change,
    manifest_,
]
