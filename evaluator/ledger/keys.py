"""The key that signs every log of this site, outside the database and its backups; names and origins of logs."""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from pathlib import Path

from evaluator.ledger.notes import Signer
from evaluator.secret_files import made_once
from evaluator.settings import Settings

AUDIT = "audit"
CAMPAIGN_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
NAME = re.compile(rf"audit|campaign/({CAMPAIGN_CODE.pattern})")
SEED = 32  # bytes


class LogKeyError(RuntimeError):
    """The key is unreadable or another one than what was signed with; the message says what an operator does."""


def campaign_log(code: str) -> str:
    """The name of a campaign's log."""
    return f"campaign/{code}"


def campaign_of(log_name: str) -> str | None:
    """The campaign whose log it is; None: the audit log.

    Raises
    ------
    ValueError
        No log can have this name.
    """
    found = NAME.fullmatch(log_name)
    if not found:
        raise ValueError(f"{log_name!r} is no name of a log: audit, or campaign/CODE")
    return found[1]


def log_seed(data_dir: Path) -> bytes:
    """The seed of the site's key, made at first use. Of several processes that start at once, the first one's counts.

    Raises
    ------
    LogKeyError
        There is a file, but it holds no seed.
    """
    path = data_dir / "keys" / "log.ed25519"
    seed = made_once(path, secrets.token_bytes(SEED))
    if len(seed) != SEED:
        raise LogKeyError(
            f"{path} has {len(seed)} bytes instead of {SEED}: put the key back from where you keep it; "
            "with a new key no receipt given so far could be renewed"
        )
    return seed


def origin(settings: Settings, log_name: str) -> str:
    """What a log calls itself in its heads: HOST/log/NAME."""
    campaign_of(log_name)
    return f"{settings.base_url.split('://', 1)[-1].rstrip('/')}/log/{log_name}"


@lru_cache(maxsize=64)
def _signer(name: str, seed: bytes) -> Signer:
    return Signer(name, seed)


def signer(settings: Settings, log_name: str) -> Signer:
    """Who signs a log's heads and promises."""
    return _signer(origin(settings, log_name), log_seed(settings.data_dir))
