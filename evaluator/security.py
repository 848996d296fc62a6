"""What stands around every answer: headers, the site's own origin for forms, signed values."""

from __future__ import annotations

import base64
import hmac

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from evaluator import language

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
LONGEST_PATH = 1000
LONGEST_NAME = 200  # of one part of an address: file systems refuse longer ones with an error of their own
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def signature(secret: bytes, purpose: str, value: str) -> str:
    """HMAC-SHA256 of a value for one purpose, URL-safe."""
    digest = hmac.digest(secret, f"{purpose}\x00{value}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def signed(secret: bytes, purpose: str, value: str) -> str:
    """`value` with its signature behind it."""
    return f"{value}.{signature(secret, purpose, value)}"


def unsigned(secret: bytes, purpose: str, text: str) -> str | None:
    """The value of a signed text, or None when nobody here signed it."""
    value, _, mark = text.rpartition(".")
    return value if hmac.compare_digest(mark.encode(), signature(secret, purpose, value).encode()) else None


def header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:  # no generator: every answer looks for six of them
        if key == name:
            return str(value, "latin-1")
    return ""


def from_elsewhere(scope: Scope) -> bool:
    """Whether a browser says that another site sent this form. Programs that are no browsers say nothing."""
    site = header(scope, b"sec-fetch-site")
    if site:
        return site not in ("same-origin", "none")
    origin = header(scope, b"origin")
    return bool(origin) and origin.partition("://")[2] != header(scope, b"host")


def cookie(scope: Scope, name: str) -> str | None:
    for part in header(scope, b"cookie").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return None


NOWHERE = "/no-such-page"


def _can_exist(path: str) -> bool:
    """Whether an address could name anything here, file systems included."""
    return "\x00" not in path and len(path) <= LONGEST_PATH and max(map(len, path.encode().split(b"/"))) <= LONGEST_NAME


def guarded(app: ASGIApp) -> ASGIApp:
    """The outermost layer: language, headers, HEAD as GET without a body."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        token = language.current.set(
            (not scope["path"].startswith("/staff") and language.asked_for(scope["query_string"]))
            or language.negotiated(cookie(scope, language.COOKIE), header(scope, b"accept-language"))
        )
        if not _can_exist(scope["path"]):
            scope["path"], scope["raw_path"] = NOWHERE, NOWHERE.encode()
        head = scope["method"] == "HEAD"
        if head:
            scope["method"] = "GET"  # type: ignore[typeddict-item]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                have = {key for key, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in HEADERS if h[0] not in have)]
            elif head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        try:
            await app(scope, receive, sending)
        finally:
            language.current.reset(token)

    return call
