"""One typed Settings, read from EVALUATOR_* variables; an unknown or wrong one is refused by name."""

from __future__ import annotations

import difflib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from evaluator.secret_files import made_once

PREFIX = "EVALUATOR_"
TEST_ONLY = frozenset({"EVALUATOR_TEST_POSTGRES_URL"})


class SettingsError(ValueError):
    """A variable that is unknown or holds something wrong; the message names it and says what would be right."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where things live and who runs the site. Every field is read from EVALUATOR_<NAME IN CAPITALS>."""

    data_dir: Path = Path("var")
    database_url: str = ""  # empty: sqlite in data_dir
    secret_key: str = ""  # empty: made once and kept in data_dir/secret_key
    base_url: str = "http://127.0.0.1:8000"
    time_zone: str = "Asia/Shanghai"
    operator: str = ""  # who is responsible, shown on the notice page; empty: the campaign's own words
    queue_depth: int = 4096  # responses that may wait for the writer before 503
    batch_size: int = 256  # responses in one transaction at most
    writer_process: bool = True  # answers are stored and promises signed by a process of its own, not by the server's
    oidc_issuer: str = ""  # OpenID Connect provider whose accounts people may answer with; empty: none
    oidc_client_id: str = ""  # under which this site is registered there
    oidc_client_secret: str = ""  # empty: a public client, which PKCE alone protects
    oidc_name_zh: str = ""  # what the provider is called on the button, in both languages
    oidc_name_en: str = ""

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'evaluator.sqlite'}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def secure_cookies(self) -> bool:
        return self.base_url.startswith("https://")

    def secret(self) -> bytes:
        """The key behind sessions and signed forms; lives outside the database and its backups."""
        if self.secret_key:
            return self.secret_key.encode()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        return made_once(self.data_dir / "secret_key", secrets.token_urlsafe(48).encode()).strip()


def is_local(address: str) -> bool:
    """Whether an address is of this machine: only there may a provider of accounts be spoken to without TLS.

    >>> is_local("http://127.0.0.1:3000"), is_local("http://localhost.example.org")
    (True, False)
    """
    return urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")


def _check_provider(settings: Settings) -> None:
    """All that is needed to let people sign in with an account, or nothing of it."""
    given = {name: getattr(settings, name) for name in Settings.__struct_fields__ if name.startswith("oidc_")}
    if not any(given.values()):
        return
    for name, value in given.items():
        if not value and name != "oidc_client_secret":
            others = ", ".join(PREFIX + other.upper() for other, set_to in given.items() if set_to)
            raise SettingsError(f"{PREFIX}{name.upper()}: missing, and needed with {others}")
    issuer = settings.oidc_issuer
    try:
        parts = urlsplit(issuer)
        well_formed = bool(parts.hostname) and not parts.query and not parts.fragment and "@" not in parts.netloc
    except ValueError:
        well_formed = False
    if not well_formed or not issuer.startswith(("https://", "http://")):
        raise SettingsError(f"EVALUATOR_OIDC_ISSUER: {issuer!r} is no issuer; use https://host, as it names itself")
    if issuer.startswith("http://") and not is_local(issuer):
        raise SettingsError("EVALUATOR_OIDC_ISSUER: http:// is for a provider on this machine; use https://")


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment.

    Raises
    ------
    SettingsError
        A variable with our prefix that we don't know, or whose value is not of its kind.
    """
    environment = os.environ if environment is None else environment
    known = {PREFIX + field.upper(): field for field in Settings.__struct_fields__}
    given: dict[str, str] = {}
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name in TEST_ONLY:
            continue
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise SettingsError(
                f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}")
            )
        given[known[name]] = value
    try:
        settings = msgspec.convert(given, Settings, strict=False, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        field = str(error).rsplit("$.", 1)[-1].rstrip("`")
        raise SettingsError(f"{PREFIX}{field.upper()}: {error}") from None
    if settings.secret_key and len(settings.secret_key) < 32:
        raise SettingsError("EVALUATOR_SECRET_KEY: shorter than 32 characters; use a long random text, or leave it out")
    if not settings.base_url.startswith(("http://", "https://")):
        raise SettingsError(f"EVALUATOR_BASE_URL: {settings.base_url!r} is no address; use https://host")
    if settings.database_url and not settings.database_url.startswith(("sqlite:///", "postgresql://", "postgres://")):
        scheme = settings.database_url.split(":", 1)[0]
        raise SettingsError(
            f"EVALUATOR_DATABASE_URL: {scheme!r} is not known; use sqlite:///path or postgresql://user@host/name"
        )
    if settings.queue_depth < 1 or settings.batch_size < 1:
        raise SettingsError("EVALUATOR_QUEUE_DEPTH and EVALUATOR_BATCH_SIZE must be at least 1")
    _check_provider(settings)
    try:
        ZoneInfo(settings.time_zone)
    except (KeyError, ValueError):
        raise SettingsError(
            f"EVALUATOR_TIME_ZONE: {settings.time_zone!r} is no time zone; use a name such as Asia/Shanghai"
        ) from None
    return settings
