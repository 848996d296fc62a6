"""Posters for the counter: a QR code of the open link, one unit a page, in both languages, for print."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from markupsafe import Markup

from evaluator import language, pages
from evaluator.collection import qr
from evaluator.collection.campaigns import LiveCampaign, Place
from evaluator.collection.letters import day, of, say
from evaluator.collection.screens import minutes
from evaluator.problems import Problem
from evaluator.settings import Settings

Paper = Literal["a4", "a5"]
PAPERS: tuple[Paper, ...] = ("a4", "a5")


def _(message: str) -> str:
    return message


class Said(msgspec.Struct, frozen=True):
    """What a poster says in one language."""

    language: str
    asks: str
    scan: str
    facts: str
    pressure: str
    use: str
    responsible: str


class Poster(msgspec.Struct, frozen=True):
    """A poster as the template takes it."""

    address: str
    qr: Markup
    said: tuple[Said, ...]


def _said(settings: Settings, campaign: LiveCampaign, unit: Place, spoken: str) -> Said:
    takes = minutes(campaign.questionnaire) or 2
    return Said(
        language=spoken,
        asks=say(spoken, _("How do you find %(unit)s?"), unit=of(spoken, unit.name)),
        scan=say(spoken, _("Scan with WeChat or your camera")),
        facts=say(spoken, _("About %(minutes)s minutes. Anonymous. No account."), minutes=takes),
        pressure=say(spoken, _("Nobody may tell you what to answer, or watch you while you do.")),
        use=say(
            spoken,
            _("Anybody may answer here, so these answers are shown beside the grades; the grades come from people who "
              "were drawn at random."),
        ),
        responsible=say(
            spoken,
            _("Open from %(opens)s to %(closes)s. Responsible: %(responsible)s. Questions: %(contact)s."),
            opens=day(spoken, campaign.opens), closes=day(spoken, campaign.closes),
            responsible=of(spoken, campaign.responsible), contact=campaign.contact,
        ),
    )  # fmt: skip


def posters_page(settings: Settings, campaign: LiveCampaign, units: Sequence[str], paper: Paper) -> str:
    """A page to print, a poster of each unit: it needs nothing from the network.

    Raises
    ------
    Problem
        The campaign has no open link.
    """
    if not campaign.open_link:
        raise Problem(
            409, _("No open link"),
            _("This survey takes answers by invitation only, so that a poster would lead nowhere."),
        )  # fmt: skip
    posters = []
    for code in units:
        address = qr.unit_address(settings, campaign.code, code)
        said = tuple(_said(settings, campaign, campaign.units[code], one) for one in language.LANGUAGES)
        posters.append(Poster(address, qr.drawn(address), said))
    return pages.environment().get_template("collection/letters/posters.html").render(
        posters=posters, paper=paper, campaign=campaign, simulated=campaign.simulated
    )  # fmt: skip


def poster_files(
    settings: Settings, campaign: LiveCampaign, paper: Paper, units: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """(name, content) of a file for each unit."""
    for unit in units:
        yield f"poster-{campaign.code}-{unit}-{paper}.html", posters_page(settings, campaign, [unit], paper)


def packed(settings: Settings, campaign: LiveCampaign, paper: Paper, units: Sequence[str]) -> bytes:
    """Posters in a ZIP file, the same bytes for the same posters."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in poster_files(settings, campaign, paper, units):
            archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
