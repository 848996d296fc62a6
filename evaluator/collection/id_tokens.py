"""What an ID token must say before somebody counts as signed in (OpenID Connect Core 1.0, 3.1.3.7). No network here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from authlib.oidc.core import CodeIDToken
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jws, jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import JWKRegistry, Key

KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC"}  # of keys, by how the name of an algorithm begins
# never "none", and never HS*, with which the provider's public key would be a secret that everybody has
ALGORITHMS = frozenset(kind + size for kind in KINDS for size in ("256", "384", "512"))
LEEWAY = 60  # seconds by which two clocks may differ
LONGEST_TOKEN, LONGEST_SUBJECT = 16_384, 255


class Refused(Exception):
    """A sign-in is not believed. Why is for the operator's log; it names no person."""


class UnknownKey(Refused):
    """Signed with a key that is not among those known: the provider may have new ones."""


def _key_for(header: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> Key:
    """The one key that can have made this signature. What the header itself brings along is never asked."""
    algorithm, name = header["alg"], header.get("kid")
    fitting = [
        key
        for key in keys
        if key.get("kty") == KINDS[algorithm[:2]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (name is None or key.get("kid") == name)
    ]
    if not fitting:
        raise UnknownKey("signed with a key that the provider does not publish")
    if len(fitting) > 1:
        raise Refused("several keys of the provider fit, and the token does not say which")
    return JWKRegistry.import_key(dict(fitting[0]))


def subject(
    token: str,
    *,
    keys: Sequence[Mapping[str, Any]],
    algorithms: Collection[str],
    issuer: str,
    client: str,
    nonce: str,
    access_token: str,
    now: int,
) -> str:
    """Who signed in, as the provider knows them: `sub` of a token of which everything holds.

    Parameters
    ----------
    keys : sequence of mapping
        The provider's published keys (JWK).
    algorithms : collection of str
        Those that the provider says it signs with; of these only asymmetric ones are taken.
    now : int
        Seconds since 1970.

    Raises
    ------
    UnknownKey
        No published key fits, or the one of that name did not sign this.
    Refused
        Anything else does not hold.
    """
    if len(token) > LONGEST_TOKEN:
        raise Refused("the ID token is too long")
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
        if header.get("alg") not in ALGORITHMS & set(algorithms):
            raise Refused(f"signed with the algorithm {str(header.get('alg'))[:20]!r}, which is not accepted")
        read = jwt.decode(token, _key_for(header, keys), algorithms=[header["alg"]])
        claims = CodeIDToken(
            read.claims,
            read.header,
            options={"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client}},
            params={"nonce": nonce, "client_id": client, "access_token": access_token},
        )
        claims.validate(now=now, leeway=LEEWAY)
    except Refused:
        raise
    except BadSignatureError:
        raise UnknownKey("the signature is not that of the key it names") from None
    except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(f"{type(error).__name__}: {str(error)[:200]}") from None
    if claims["aud"] not in (client, [client]):
        raise Refused("the token is meant for others too")
    if claims.get("azp", client) != client:
        raise Refused("the token was issued to somebody else")
    found: str = claims["sub"]
    if not 0 < len(found) <= LONGEST_SUBJECT:
        raise Refused("the subject is blank or too long")
    return found
