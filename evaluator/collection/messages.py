"""Invitations for a sender of short messages or mails: a file with a line each. Nothing is sent from here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil

from evaluator import language
from evaluator.collection import qr
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.letters import Invited, languages_of, of, say, words
from evaluator.settings import Settings

# 3GPP TS 23.038: characters that go as 7 bits, and those that take two places; everything else makes a message UCS-2
GSM = frozenset(
    "@\u00a3$\u00a5\u00e8\u00e9\u00f9\u00ec\u00f2\u00c7\n\u00d8\u00f8\r\u00c5\u00e5\u0394_\u03a6\u0393\u039b\u03a9\u03a0"
    "\u03a8\u03a3\u0398\u039e\u00c6\u00e6\u00df\u00c9 !\"#\u00a4%&'()*+,-./0123456789:;<=>?\u00a1"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ\u00c4\u00d6\u00d1\u00dc\u00a7\u00bfabcdefghijklmnopqrstuvwxyz\u00e4\u00f6\u00f1\u00fc\u00e0"
)
GSM_TWICE = frozenset("^{}\\[~]|\u20ac")


def _(message: str) -> str:
    return message


def parts(text: str) -> int:
    """How many short messages a text takes: one holds 70 Chinese characters or 160 Latin ones, several 67 or 153 each.

    >>> parts("\\u8bf7" * 70), parts("\\u8bf7" * 71), parts("a" * 160), parts("a" * 161), parts("a" * 69 + "\\u8bf7")
    (1, 2, 1, 2, 1)
    """
    if all(c in GSM or c in GSM_TWICE for c in text):
        length, one, several = sum(2 if c in GSM_TWICE else 1 for c in text), 160, 153
    else:
        length, one, several = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= one else ceil(length / several)


def sms_text(settings: Settings, campaign: LiveCampaign, invited: Invited, *, reminder: bool = False) -> str:
    """A short message with the address that holds the code; in Chinese where no language is known."""
    contact = invited.contact
    spoken = contact.language or language.DEFAULT
    message = (
        _("Reminder, also to some who answered: %(unit)s, what do you think? Until %(closes)s: %(address)s")
        if reminder
        else _("You were drawn to rate %(unit)s, anonymously, until %(closes)s: %(address)s")
    )
    return say(
        spoken, message, unit=of(spoken, campaign.units[contact.unit].name),
        closes=f"{campaign.closes.month}-{campaign.closes.day}",
        address=qr.code_address(settings, invited.code, grouped=False),
    )  # fmt: skip


def sms_rows(
    settings: Settings, campaign: LiveCampaign, invited: Iterable[Invited], *, reminder: bool = False
) -> Iterator[tuple[str, str, str, int]]:
    """(unit, phone, text, parts) of each message."""
    for one in invited:
        text = sms_text(settings, campaign, one, reminder=reminder)
        yield one.contact.unit, one.contact.phone, text, parts(text)


def mail_subject(campaign: LiveCampaign, spoken: tuple[str, ...], *, reminder: bool = False) -> str:
    title = " / ".join(dict.fromkeys(of(one, campaign.title) for one in spoken))
    return say(spoken[0], _("Reminder: %(title)s"), title=title) if reminder else title


def mail_text(settings: Settings, campaign: LiveCampaign, invited: Invited, *, reminder: bool = False) -> str:
    """A mail as plain text: no pictures, nothing that tells anybody that it was opened."""
    found = []
    address = qr.code_address(settings, invited.code)
    for one in languages_of(invited.contact):
        said = words(settings, campaign, invited.contact, one, reminder=reminder)
        here = say(one, _("Open this address:"))
        found.append(
            "\n\n".join(
                line
                for line in (
                    said.greeting, said.reminder, said.drawn, f"{here}\n{address}",
                    say(
                        one, _("The letters and digits behind # are your code. If the page asks for it, enter it.")
                    ),
                    f"{said.rights} {said.pressure}", said.responsible, said.notice,
                ) if line
            )
        )  # fmt: skip
    return "\n\n----\n\n".join(found) + "\n"


def mail_rows(
    settings: Settings, campaign: LiveCampaign, invited: Iterable[Invited], *, reminder: bool = False
) -> Iterator[tuple[str, str, str, str, str]]:
    """(unit, mail address, name, subject, text) of each mail."""
    for one in invited:
        contact = one.contact
        yield (
            contact.unit, contact.email, contact.name,
            mail_subject(campaign, languages_of(contact), reminder=reminder),
            mail_text(settings, campaign, one, reminder=reminder),
        )  # fmt: skip
