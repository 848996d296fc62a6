"""The audit log: who changed what, in a log that anybody can watch grow. Never an answer, never a person's name."""

from __future__ import annotations

from typing import Any

from evaluator.ledger.appending import Head, append
from evaluator.ledger.keys import AUDIT
from evaluator.ledger.leaves import entry
from evaluator.settings import Settings


async def record(settings: Settings, what: str, **fields: Any) -> Head:
    """Append to the audit log, inside the transaction of the change itself if one is open.

    Parameters
    ----------
    settings : Settings
    what : str
        What was done: lower-case words with dots between them, such as ``campaign.opened``.
    **fields
        More about it: codes, counts, versions; an account as its role and number. Everybody can read it.
    """
    return await append(settings, AUDIT, [entry("audit", what=what, **fields)])
