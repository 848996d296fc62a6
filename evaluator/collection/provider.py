"""What is asked of the provider of accounts: its description, its keys, and the tokens for a code. Nothing is kept of
the answers but description and keys, in memory.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote_plus

import msgspec

from evaluator.collection.id_tokens import Refused
from evaluator.settings import Settings, is_local

KEPT_FOR = 3600.0  # seconds that description and keys are trusted
TIMEOUT = 10.0
PAUSE = 3.0  # seconds in which a provider that did not answer is not asked again: nobody waits behind many others
MOST_BYTES = 512 * 1024  # of an answer
TOLD_EVERY, MOST_TOLD = 3600.0, 100  # seconds between two lines of the log that say the same; so many are remembered

log = logging.getLogger("evaluator")
logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request would keep the order of arrival
T = TypeVar("T")


class Unreachable(Exception):
    """The provider does not answer, or not with what the standards say. The message is for the operator's log."""


class Described(msgspec.Struct, frozen=True):
    """Of the provider's description (OpenID Connect Discovery 1.0) what is used here, with the defaults it defines."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    code_challenge_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False  # RFC 9207


class Tokens(msgspec.Struct, frozen=True):
    """What a code was exchanged for."""

    id_token: str
    access_token: str


class _KeySet(msgspec.Struct, frozen=True):
    keys: tuple[dict[str, Any], ...]


class _Failed(msgspec.Struct, frozen=True):
    error: str = ""


class Provider:
    """The one provider of this site."""

    def __init__(self, settings: Settings) -> None:
        import httpx  # it takes a while, and a site without a provider need not wait for it

        self.issuer = settings.oidc_issuer
        self.client = settings.oidc_client_id
        self._secret = settings.oidc_client_secret
        # a provider on this machine is not behind a proxy
        self._http = httpx.AsyncClient(timeout=TIMEOUT, trust_env=not is_local(self.issuer))
        self._described: tuple[float, Described] | None = None
        self._keys: tuple[float, Sequence[Mapping[str, Any]]] | None = None
        self._failed: tuple[float, Unreachable] | None = None
        self._asking = asyncio.Lock()
        self._told: dict[str, float] = {}

    async def described(self) -> Described:
        """The provider's description. Raises Unreachable."""
        async with self._asking:
            if self._described is None or time.monotonic() > self._described[0]:
                if self._failed is not None and time.monotonic() < self._failed[0]:
                    raise self._failed[1]
                try:
                    found = await self._describe()
                except Unreachable as error:
                    self._failed = (time.monotonic() + PAUSE, error)
                    raise
                self._described = (time.monotonic() + KEPT_FOR, found)
            return self._described[1]

    async def _describe(self) -> Described:
        address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = _read(await self._ask("GET", address), Described)
        self._check(found)
        return found

    def _check(self, found: Described) -> None:
        if found.issuer != self.issuer:  # else one provider could pass for another
            raise Unreachable(f"it calls itself {found.issuer[:200]!r}; EVALUATOR_OIDC_ISSUER says {self.issuer!r}")
        for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            if not (address.startswith("https://") or (is_local(self.issuer) and is_local(address))):
                raise Unreachable(f"{address[:200]!r}: its addresses must begin with https://")
        methods = found.code_challenge_methods_supported
        if methods is not None and "S256" not in methods:
            raise Unreachable("it does not know PKCE with S256")

    async def keys(self, *, anew: bool = False) -> Sequence[Mapping[str, Any]]:
        """The provider's published keys; `anew` when it seems to have new ones. Raises Unreachable."""
        described = await self.described()
        async with self._asking:
            if anew or self._keys is None or time.monotonic() > self._keys[0]:
                found = _read(await self._ask("GET", described.jwks_uri), _KeySet)
                self._keys = (time.monotonic() + KEPT_FOR, found.keys)
            return self._keys[1]

    async def exchange(self, code: str, verifier: str, redirect: str) -> Tokens:
        """The tokens for a code.

        Raises
        ------
        Refused
            The provider does not take the code: it was used, is too old, or was made for another sign-in.
        Unreachable
        """
        described = await self.described()
        fields = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier,
        }  # fmt: skip
        auth = None
        methods = described.token_endpoint_auth_methods_supported
        if not self._secret:
            fields["client_id"] = self.client
        elif "client_secret_basic" in methods or "client_secret_post" not in methods:
            auth = (quote_plus(self.client), quote_plus(self._secret))  # RFC 6749, 2.3.1
        else:
            fields |= {"client_id": self.client, "client_secret": self._secret}
        return _read(await self._ask("POST", described.token_endpoint, data=fields, auth=auth), Tokens)

    async def _ask(self, method: str, address: str, **given: Any) -> bytes:
        import httpx

        body = b""
        try:
            async with self._http.stream(method, address, headers={"Accept": "application/json"}, **given) as answer:
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > MOST_BYTES:
                        raise Unreachable(f"{address}: the answer is too long")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{address}: {type(error).__name__}") from None
        if method == "POST" and answer.status_code == 400:  # RFC 6749, 5.2
            reason = _error(body)
            if reason == "invalid_grant":
                raise Refused("the provider does not take the code")
            raise Unreachable(f"{address}: it refuses this site: {reason}")
        if answer.status_code != 200:
            raise Unreachable(f"{address}: answered {answer.status_code} {_error(body)}")
        return body

    def tell(self, what: str) -> None:
        """Say in the log what goes wrong: once an hour, for a line a person would say when each of them came."""
        now = time.monotonic()
        if now < self._told.get(what, 0.0):
            return
        if len(self._told) >= MOST_TOLD:
            self._told.clear()
        self._told[what] = now + TOLD_EVERY
        log.error("the provider of accounts: %s; it is not said again within an hour", what)

    async def close(self) -> None:
        await self._http.aclose()


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreachable(f"its {kind.__name__.strip('_').lower()} cannot be read: {str(error)[:200]}") from None


def _error(body: bytes) -> str:
    try:
        return named(msgspec.json.decode(body, type=_Failed).error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def named(error: str) -> str:
    """An error code of OAuth; "unknown" for what is none, so that nobody writes into the log through it."""
    known = error.isascii() and error.replace("_", "").isalpha() and len(error) <= 64
    return error if known else "unknown"
