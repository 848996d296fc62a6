"""Invitation codes: 75 random bits in Crockford's base 32 and a check symbol, kept only as keyed hashes.

The check symbol is a weighted sum over GF(32) with weights 2, 4, 8 ... (powers of a generator, all different): a single
wrong symbol and two symbols that changed places are always seen, before the database is asked.
"""

from __future__ import annotations

import secrets

from evaluator.collection.keys import ALPHABET, campaign_key, invitation_hash, kept_keys
from evaluator.collection.tables import Admission, Campaign, CampaignUnit, Invitation
from evaluator.problems import Problem
from evaluator.settings import Settings
from evaluator.units.tables import Unit

RANDOM_SYMBOLS, GROUP = 15, 4
MOST_CODES = 1_000_000  # at once
VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}
# what people write for a symbol, and what they put between symbols; full-width forms come from Chinese input methods
READ_AS = str.maketrans("OIL", "011", " -\t\r\n\u2010\u2011\u2012\u2013\u2014\u2212\u3000\u00a0_.")


def _(message: str) -> str:
    return message


def _times(a: int, b: int) -> int:
    """Product in GF(32) with the polynomial x^5 + x^2 + 1."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 32:
            a ^= 0b100101
        b >>= 1
    return product


def _weights() -> tuple[int, ...]:
    weights = [2]
    while len(weights) < RANDOM_SYMBOLS:
        weights.append(_times(weights[-1], 2))
    return tuple(weights)


WEIGHTS = _weights()


def _check_value(values: list[int]) -> int:
    total = 0
    for weight, value in zip(WEIGHTS, values, strict=True):
        total ^= _times(weight, value)
    return total


def new_code() -> str:
    """A code: 15 random symbols and their check symbol."""
    values = [secrets.randbelow(32) for _ in range(RANDOM_SYMBOLS)]
    return "".join(ALPHABET[value] for value in [*values, _check_value(values)])


def read_code(text: str) -> str | None:
    """The code that somebody typed: with blanks, dashes, small letters, O for 0, I or L for 1. None if it is mistyped.

    >>> read_code("zzzz zzzz-zzzz zzzo") is None
    True
    """
    if len(text) > 64:
        return None
    # full-width letters and digits stand 0xFEE0 above the ASCII ones
    narrow = "".join(chr(ord(c) - 0xFEE0) if "\uff01" <= c <= "\uff5e" else c for c in text)
    code = narrow.upper().translate(READ_AS)
    if len(code) != RANDOM_SYMBOLS + 1 or any(symbol not in VALUES for symbol in code):
        return None
    *values, check = (VALUES[symbol] for symbol in code)
    return code if _check_value(values) == check else None


def shown_code(code: str) -> str:
    """A code as it is printed: groups of four."""
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


async def issue_codes(
    settings: Settings, campaign_code: str, unit: str, number: int, *, design_stratum: str = "", psu: str = ""
) -> list[str]:
    """New codes for a unit of a campaign. They are returned once and never again: only their hashes are kept.

    Raises
    ------
    Problem
        No such campaign, a unit that it does not ask about, a number outside 1 to 1,000,000, or a campaign whose key
        was destroyed.
    """
    if not 1 <= number <= MOST_CODES:
        raise Problem(
            422, _("Wrong number of codes"), _("%(number)d codes; ask for 1 to %(most)d at once."),
            number=number, most=MOST_CODES,
        )  # fmt: skip
    if len(design_stratum) > 64 or len(psu) > 64:
        raise Problem(
            422, _("Too long"), _("The design stratum and the sampling unit have at most 64 characters each.")
        )
    campaign = await Campaign.objects().get(Campaign.code == campaign_code)
    if campaign is None:
        raise Problem(404, _("No such campaign"), _("There is no campaign “%(code)s”."), code=campaign_code)
    if not await CampaignUnit.exists().where((CampaignUnit.campaign == campaign.id) & (CampaignUnit.unit == unit)):
        if not await Unit.exists().where(Unit.code == unit):
            raise Problem(404, _("No such unit"), _("There is no unit “%(unit)s”."), unit=unit)
        raise Problem(
            422, _("Not in this campaign"), _("The campaign “%(code)s” does not ask about the unit “%(unit)s”."),
            code=campaign_code, unit=unit,
        )  # fmt: skip
    key = campaign_key(settings, campaign_code)
    codes = sorted({new_code() for _ in range(number)})
    async with Invitation._meta.db.transaction():
        for at in range(0, len(codes), 500):
            await Invitation.insert(
                *(
                    Invitation(
                        code_hash=invitation_hash(key, code),
                        campaign=campaign.id,
                        unit=unit,
                        design_stratum=design_stratum,
                        psu=psu,
                    )
                    for code in codes[at : at + 500]
                )
            )
    return codes


async def find_invitation(settings: Settings, code: str) -> Invitation | None:
    """The invitation behind a code, of whichever campaign: a code does not say it, and one query asks for all."""
    hashes = [invitation_hash(key, code) for key in kept_keys(settings)]
    if not hashes:
        return None
    return await Invitation.objects().where(Invitation.code_hash.is_in(hashes)).first()


async def is_used(hashed: str) -> bool:
    """Whether a response was given with this code."""
    return bool(await Admission.exists().where(Admission.code_hash == hashed))
