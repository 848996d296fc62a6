"""Signing in with an account: OpenID Connect, authorisation code flow with PKCE, state and nonce.

Between leaving for the provider and coming back, all state is in one sealed cookie of the browser that left, for ten
minutes; nothing is written here. Of who comes back a keyed hash is made, and the rest is dropped.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qsl

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evaluator.collection.id_tokens import Refused, UnknownKey, subject
from evaluator.collection.provider import Provider, named

CALLBACK = "/account/callback"
COOKIE = "account-"  # and the first characters of the state: two tabs may be on their way at once
LASTS = 600  # seconds
NONCE_BYTES = 12
LONGEST = 2048  # of a parameter that comes back
DECLINED = frozenset(
    {"access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required"}
)

Kind = Literal["declined", "later", "refused", "set_up"]


class NotSignedIn(Exception):
    """The provider sent somebody back without a code; `kind` says what to tell them."""

    def __init__(self, kind: Kind, error: str) -> None:
        super().__init__(error)
        self.kind: Kind = kind


class Flow(msgspec.Struct, frozen=True, array_like=True):
    """One way to the provider and back, as the cookie holds it."""

    state: str
    nonce: str
    verifier: str
    issuer: str
    campaign: str
    unit: str
    draft: str  # the key of what this browser has begun, or the one that it will get
    begun: int  # seconds since 1970


def new_flow(issuer: str, campaign: str, unit: str, draft: str, now: int) -> Flow:
    state, nonce, verifier = (secrets.token_urlsafe(size) for size in (32, 32, 48))
    return Flow(state, nonce, verifier, issuer, campaign, unit, draft, now)


# --- the cookie -------------------------------------------------------------------------------------------------------


def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(hmac.digest(secret, b"way to the provider of accounts", hashlib.sha256))


def cookie_name(state: str) -> str:
    return COOKIE + state[:8]


def cookie(secret: bytes, flow: Flow, *, secure: bool) -> str:
    """The header that hands the flow to the browser; only the address that the provider leads back to gets it."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + _cipher(secret).encrypt(nonce, msgspec.json.encode(flow), flow.state.encode())
    return _header(flow.state, base64.urlsafe_b64encode(sealed).rstrip(b"=").decode(), LASTS, secure)


def no_cookie(state: str, *, secure: bool) -> str:
    """The header that takes it away."""
    return _header(state, "", 0, secure)


def _header(state: str, value: str, age: int, secure: bool) -> str:
    return (
        f"{cookie_name(state)}={value}; Path={CALLBACK}; Max-Age={age}; HttpOnly; SameSite=Lax"
        f"{'; Secure' if secure else ''}"
    )


_decoder = msgspec.json.Decoder(Flow)


def flow_of(secret: bytes, cookies: Mapping[str, str], state: str, issuer: str, now: int) -> Flow | None:
    """The flow of this browser that an answer belongs to; None when there is none, or it took too long."""
    text = cookies.get(cookie_name(state), "")
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = _cipher(secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], state.encode())
        flow = _decoder.decode(plain)
    except (InvalidTag, binascii.Error, ValueError, msgspec.DecodeError):
        return None
    fresh = 0 <= now - flow.begun <= LASTS
    return flow if fresh and flow.issuer == issuer and flow.state == state else None


# --- there and back ---------------------------------------------------------------------------------------------------


async def departure(provider: Provider, flow: Flow, redirect: str, *, other: bool, language: str) -> str:
    """Where the browser goes to sign in. The provider is not told what for.

    Parameters
    ----------
    other : bool
        Ask for another account than the one that the browser is signed in with there.
    """
    described = await provider.described()
    more = {"prompt": "login"} if other else {}
    address: str = prepare_grant_uri(
        described.authorization_endpoint, client_id=provider.client, response_type="code", redirect_uri=redirect,
        scope="openid", state=flow.state, nonce=flow.nonce, ui_locales=language, code_challenge_method="S256",
        code_challenge=create_s256_code_challenge(flow.verifier), **more,
    )  # fmt: skip
    return address


class Answer(msgspec.Struct, frozen=True):
    """What the provider sent the browser back with."""

    state: str = ""
    code: str = ""
    iss: str | None = None
    error: str = ""


def read_answer(query: str) -> Answer:
    """Raises Refused for what no provider sends: a parameter twice, or an endless one."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in ("state", "code", "iss", "error"):
            if name in found or len(value) > LONGEST:
                raise Refused(f"the parameter {name} came twice, or is too long")
            found[name] = value
    return Answer(**found)


async def arrived(provider: Provider, flow: Flow, answer: Answer, redirect: str, now: int) -> str:
    """The subject that signed in.

    Raises
    ------
    NotSignedIn
        The provider says why there is no code.
    Refused
        Something does not hold: nobody has signed in.
    Unreachable
        The provider does not answer.
    """
    described = await provider.described()
    if answer.iss is None and described.authorization_response_iss_parameter_supported:
        raise Refused("the answer does not say which provider it is from")
    if answer.iss not in (None, provider.issuer):
        raise Refused("the answer is from another provider")
    if answer.error:
        error = named(answer.error)
        if error in DECLINED:
            raise NotSignedIn("declined", error)
        raise NotSignedIn("later" if error in ("temporarily_unavailable", "server_error") else "set_up", error)
    if not answer.code:
        raise Refused("the answer holds no code")
    tokens = await provider.exchange(answer.code, flow.verifier, redirect)

    async def read(*, anew: bool) -> str:
        return subject(
            tokens.id_token, keys=await provider.keys(anew=anew), issuer=provider.issuer, client=provider.client,
            algorithms=described.id_token_signing_alg_values_supported, nonce=flow.nonce,
            access_token=tokens.access_token, now=now,
        )  # fmt: skip

    try:
        return await read(anew=False)
    except UnknownKey:
        return await read(anew=True)  # the provider may have taken new keys since they were read
