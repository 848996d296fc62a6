"""Leaving responses out of the count, and taking them in again: only under a rule that was registered before opening.

Nothing is deleted. The log names the rule and the leaf, so that everybody sees how many were left out and why, and the
holder of the receipt sees that it was his.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from evaluator.collection import manifest
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.tables import Campaign, Response
from evaluator.ledger.appending import append
from evaluator.ledger.files import publish
from evaluator.ledger.keys import campaign_log
from evaluator.ledger.leaves import entry
from evaluator.ledger.tables import LogLeaf
from evaluator.problems import FieldProblem, Problem
from evaluator.settings import Settings

SOME = 500  # leaves asked for at once


def _(message: str) -> str:
    return message


def read_leaves(text: str) -> list[str]:
    """Leaf hashes from a file, one a line in hexadecimal or base64; what stands behind # is passed over.

    Raises
    ------
    Problem
        422 with every line that is none, and for a file without any.
    """
    found: dict[str, None] = {}
    wrong = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        leaf = _leaf(text)
        if leaf is None:
            wrong.append(FieldProblem(f"line {number}", f"{text[:70]!r} is no leaf hash: 64 hexadecimal digits"))
        else:
            found[leaf] = None
    if wrong or not found:
        raise Problem(
            422, _("The file cannot be used"),
            _("Write one leaf hash a line: 64 hexadecimal digits, or as slips write it. Nothing was changed."),
            errors=wrong,
        )  # fmt: skip
    return list(found)


def _leaf(text: str) -> str | None:
    """A leaf hash as receipts are verified with (hexadecimal) or as slips write it (base64), in hexadecimal."""
    if len(text) == 64 and not set(text.lower()) - set("0123456789abcdef"):
        return text.lower()
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return found.hex() if len(found) == 32 else None


async def exclude(settings: Settings, campaign: LiveCampaign, rule: str, leaves: Sequence[str]) -> int:
    """Leave responses out under a registered rule; how many were not left out before.

    Raises
    ------
    Problem
        422 for a rule that the logged manifest does not register, or a leaf that is no sealed response.
    LogBehind
        The database was restored from an older backup.
    """
    registered = await manifest.exclusion_rules(campaign.id)
    if rule not in registered:
        raise Problem(
            422, _("This rule was not registered"),
            _("“%(rule)s” does not stand in the campaign's logged manifest; registered: %(known)s."),
            rule=rule[:70], known=", ".join(registered) or "-",
        )  # fmt: skip
    return await _change(settings, campaign, leaves, rule)


async def reinstate(settings: Settings, campaign: LiveCampaign, leaves: Sequence[str]) -> int:
    """Count responses again that were left out; how many were.

    Raises
    ------
    Problem
        422 for a leaf that is no stored response of this campaign.
    LogBehind
        The database was restored from an older backup.
    """
    return await _change(settings, campaign, leaves, "")


async def _change(settings: Settings, campaign: LiveCampaign, leaves: Sequence[str], rule: str) -> int:
    name = campaign_log(campaign.code)
    async with Campaign._meta.db.transaction():
        standing: dict[str, str] = {}
        positions: dict[str, int] = {}
        for at in range(0, len(leaves), SOME):
            some = leaves[at : at + SOME]
            for row in await Response.select(Response.leaf_hash, Response.excluded).where(
                Response.campaign == campaign.id, Response.leaf_hash.is_in(some)
            ):
                standing[row["leaf_hash"]] = row["excluded"]
            for row in await LogLeaf.select(LogLeaf.leaf_hash, LogLeaf.position).where(
                LogLeaf.log == name, LogLeaf.leaf_hash.is_in(some)
            ):
                positions[row["leaf_hash"]] = row["position"]
        unknown = [leaf for leaf in leaves if leaf not in standing or leaf not in positions]
        if unknown:
            raise Problem(
                422, _("The file cannot be used"),
                _("Some leaves are no sealed responses of this campaign, or were taken back. Nothing was changed."),
                errors=[FieldProblem(leaf, "is no sealed response of this campaign") for leaf in unknown],
            )  # fmt: skip
        changed = sorted((leaf for leaf in leaves if bool(standing[leaf]) != bool(rule)), key=positions.__getitem__)
        if not changed:
            return 0
        await append(settings, name, [_said(campaign.code, leaf, positions[leaf], rule, standing) for leaf in changed])
        for at in range(0, len(changed), SOME):
            await Response.update({Response.excluded: rule}).where(
                Response.campaign == campaign.id, Response.leaf_hash.is_in(changed[at : at + SOME])
            )
    await publish(settings, name)
    return len(changed)


def _said(code: str, leaf: str, position: int, rule: str, standing: dict[str, str]) -> str:
    if rule:
        return entry("exclusion", campaign=code, leaf=leaf, position=position, rule=rule)
    return entry("reinstatement", campaign=code, leaf=leaf, position=position, rule=standing[leaf])
