"""A provider of accounts over HTTP with real keys, small enough that a test can make it lie in one thing at a time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "evaluator", "s3cret+&= of the site"
KEY, OTHER_KEY, EC_KEY = (
    RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}),
    RSAKey.generate_key(2048, {"kid": "two", "use": "sig"}),
    ECKey.generate_key("P-256", {"kid": "ec"}),
)
Token = Callable[[dict[str, Any], dict[str, Any]], str]


def half_hash(text: str) -> str:
    return encoded(hashlib.sha256(text.encode()).digest()[:16])


def signed(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """As an honest provider signs."""
    return jwt.encode(header, claims, KEY, algorithms=["RS256"])


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def unsigned(_header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The algorithm "none"."""
    return ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "none", "typ": "JWT"}, claims)) + "."


def signed_with_the_public_key(_header: dict[str, Any], claims: dict[str, Any]) -> str:
    """HS256, with what everybody can read at the provider's as the secret; the library refuses to make one."""
    parts = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "one"}, claims))
    return f"{parts}.{encoded(hmac.digest(KEY.as_pem(private=False), parts.encode(), hashlib.sha256))}"


def signed_by_hand(header: dict[str, Any], claims: Any) -> str:
    """With the provider's key, whatever stands in it."""
    parts = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    private: Any = KEY.private_key
    return f"{parts}.{encoded(private.sign(parts.encode(), PKCS1v15(), SHA256()))}"


class LocalProvider:
    """Everything that a test may change about it is an attribute."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.keys = [KEY]
        self.token: Token = signed
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.claims: dict[str, Any] = {}  # other claims of the ID token; None leaves one out
        self.metadata: dict[str, Any] = {}
        self.answer: dict[str, str | None] = {}  # what the browser is sent back with
        self.checks_pkce = True
        self.status = 200  # of the token endpoint
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []  # paths
        self.tokens_given = 0
        handler = type("Handler", (_Handler,), {"provider": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def settings(self, **changes: str) -> dict[str, str]:
        return {
            "oidc_issuer": self.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET,
            "oidc_name_zh": "N-zh", "oidc_name_en": "Province ID", **changes,
        }  # fmt: skip

    def described(self) -> dict[str, Any]:
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=a",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none", "ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        return {name: value for name, value in found.items() if value is not None}

    def back(self, authorize: str, login: str = "alice") -> str:
        """Where the browser is sent after `login` signed in at an authorisation address."""
        asked = dict(parse_qsl(urlsplit(authorize).query))
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "login": login}
        found = {"code": code, "state": asked["state"], "iss": self.issuer, **self.answer}
        return f"{asked['redirect_uri']}?{urlencode({k: v for k, v in found.items() if v is not None})}"

    def exchange(self, given: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        if self.status != 200:
            return self.status, {"error": "invalid_client"}
        if authorization:
            name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
            given |= {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}
        flow = self.codes.pop(given.get("code", ""), None)  # a code is good for one use
        if flow is None or flow["redirect_uri"] != given["redirect_uri"] or flow["client_id"] != given["client_id"]:
            return 400, {"error": "invalid_grant"}
        if given.get("client_secret", SECRET) != SECRET:
            return 401, {"error": "invalid_client"}
        challenge = encoded(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        if self.checks_pkce and challenge != flow.get("code_challenge"):
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        now = int(self.now())
        claims = {
            "iss": self.issuer, "sub": f"subject of {flow['login']}", "aud": CLIENT, "nonce": flow["nonce"],
            "iat": now, "exp": now + 300, "at_hash": half_hash(access), "name": f"Name of {flow['login']}",
            **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        self.tokens_given += 1
        token = self.token(dict(self.header), claims)
        return 200, {"id_token": token, "access_token": access, "token_type": "Bearer", "expires_in": 300}


class _Handler(BaseHTTPRequestHandler):
    provider: LocalProvider

    def do_GET(self) -> None:
        self.provider.asked.append(self.path)
        if self.path == "/.well-known/openid-configuration":
            self._send(200, self.provider.described())
        elif self.path == "/jwks":
            self._send(200, {"keys": [key.as_dict(private=False) for key in self.provider.keys]})
        else:
            self._send(404, {"error": "not_found"})

    def do_POST(self) -> None:
        self.provider.asked.append(self.path)
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        given = {name: values[0] for name, values in parse_qs(body).items()}
        self._send(*self.provider.exchange(given, self.headers.get("authorization", "")))

    def _send(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_given: object) -> None:
        pass
