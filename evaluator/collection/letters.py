"""What an invitation says, and letters for print: one a page, with a QR code and the code in groups of four."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Literal

import msgspec
from babel.dates import format_date
from markupsafe import Markup

from evaluator import language, pages
from evaluator.collection import qr
from evaluator.collection.admission import shown_code
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.frames import Contact
from evaluator.collection.screens import minutes
from evaluator.settings import Settings

Paper = Literal["a4", "a6"]
PAPERS: tuple[Paper, ...] = ("a4", "a6")
FITS = {"a4": 950, "a6": 720}  # widths of a Chinese character that a page takes, with room for headings


def _(message: str) -> str:
    return message


class Invited(msgspec.Struct, frozen=True):
    """Somebody who was drawn, and the code that was made for the letter. The two meet here and with the sender only."""

    contact: Contact
    code: str


class Words(msgspec.Struct, frozen=True):
    """What a letter says in one language."""

    language: str
    title: str
    greeting: str
    drawn: str
    scan: str
    type_it: str
    code: str
    rights: str
    pressure: str
    reminder: str
    responsible: str
    notice: str


class Letter(msgspec.Struct, frozen=True):
    """A letter as the template takes it."""

    name: str
    address: str
    code: str  # in groups
    qr: Markup
    words: tuple[Words, ...]

    def fit(self, paper: Paper) -> float:
        """By how much the text must be smaller, so that a long title or two languages stay on one page."""
        texts = [self.name, self.address, *(text for one in self.words for text in msgspec.structs.astuple(one)[1:])]
        wide = sum(1.0 if ord(c) > 0x2E7F else 0.55 for text in texts for c in text)
        return round(min(1.0, (FITS[paper] / wide) ** 0.5), 3)


def say(language_: str, message: str, **values: object) -> str:
    """A message in a language that need not be the visitor's."""
    text = language.translations(language_).gettext(message)
    return text % values if values else text


def day(language_: str, given: date) -> str:
    return format_date(given, "long", locale=language_.replace("-", "_"))


def of(language_: str, label: language.Bilingual) -> str:
    return label.zh if language_.startswith("zh") else label.en


def words(
    settings: Settings, campaign: LiveCampaign, contact: Contact, language_: str, *, reminder: bool = False
) -> Words:
    """What is said to somebody, in a language."""
    unit = of(language_, campaign.units[contact.unit].name)
    takes = minutes(campaign.questionnaire) or 2
    host = settings.base_url.rstrip("/")
    greeting = (
        say(language_, _("Dear %(name)s,"), name=contact.name) if contact.name else say(language_, _("To the resident"))
    )
    return Words(
        language=language_,
        title=of(language_, campaign.title),
        greeting=greeting,
        drawn=say(
            language_,
            _("You were drawn at random to say what you think of %(unit)s. It takes about %(minutes)s minutes."),
            unit=unit, minutes=takes,
        ),
        scan=say(language_, _("Scan the square with WeChat or the camera of your phone.")),
        type_it=say(language_, _("Or open %(address)s and enter the code:"), address=f"{host}/code"),
        code=say(language_, _("Your code")),
        rights=say(
            language_,
            _("It is voluntary and anonymous. The code makes sure that everybody answers once, and is then parted from "
              "the answer. It is yours: please do not hand it on."),
        ),
        pressure=say(language_, _("Nobody may tell you what to answer, or watch you while you do.")),
        reminder=say(
            language_,
            _("This is a reminder. Who answered was not looked up: some who did get it all the same. If you are one of "
              "them, there is nothing left to do."),
        ) if reminder else "",
        responsible=say(
            language_,
            _("Open from %(opens)s to %(closes)s. Responsible: %(responsible)s. Questions: %(contact)s."),
            opens=day(language_, campaign.opens), closes=day(language_, campaign.closes),
            responsible=of(language_, campaign.responsible), contact=campaign.contact,
        ),
        notice=say(
            language_, _("What is kept, and what is not: %(address)s"), address=f"{host}/notice/{campaign.code}"
        ),
    )  # fmt: skip


def languages_of(contact: Contact) -> tuple[str, ...]:
    """The language a person reads, or both."""
    return (contact.language,) if contact.language else language.LANGUAGES


def letter(settings: Settings, campaign: LiveCampaign, invited: Invited, *, reminder: bool = False) -> Letter:
    contact = invited.contact
    said = tuple(words(settings, campaign, contact, one, reminder=reminder) for one in languages_of(contact))
    return Letter(
        contact.name, contact.address, shown_code(invited.code), qr.drawn(qr.code_address(settings, invited.code)),
        said,
    )  # fmt: skip


def letters_page(campaign: LiveCampaign, letters: Sequence[Letter], paper: Paper) -> str:
    """A page to print: it needs nothing from the network."""
    return pages.environment().get_template("collection/letters/letters.html").render(
        letters=letters, paper=paper, campaign=campaign, simulated=campaign.simulated
    )  # fmt: skip


def letter_files(
    settings: Settings, campaign: LiveCampaign, invited: Iterable[Invited], *, reminder: bool = False, most: int = 500
) -> Iterator[tuple[str, str]]:
    """(name, content) of the files for a printer: a folder for each unit, at most 500 letters in a file."""
    by_unit: dict[str, list[Invited]] = {}
    for one in invited:
        by_unit.setdefault(one.contact.unit, []).append(one)
    for unit, people in sorted(by_unit.items()):
        for number, at in enumerate(range(0, len(people), most), 1):
            made = [letter(settings, campaign, one, reminder=reminder) for one in people[at : at + most]]
            part = f"-{number}" if len(people) > most else ""
            for paper in PAPERS:
                yield f"letters/{unit}/letters-{paper}{part}.html", letters_page(campaign, made, paper)
