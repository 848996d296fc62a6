"""A client of staff's pages that can be anybody."""

from __future__ import annotations

import httpx

from evaluator.accounts.sessions import COOKIE, csrf_token, open_session
from evaluator.accounts.tables import Account


class Visitor:
    """Asks and sends as the account that it has become; `home` stands before every path."""

    def __init__(self, client: httpx.AsyncClient, secret: bytes, home: str = "") -> None:
        self.client, self.secret, self.home, self.token = client, secret, home, ""

    async def become(self, name: str) -> None:
        account = await Account.objects().get(Account.name == name)
        assert account is not None
        self.token = await open_session(account.id)

    def headers(self, language: str = "en", accept: str = "text/html") -> dict[str, str]:
        return {"accept": accept, "accept-language": language, "cookie": f"{COOKIE}={self.token}"}

    async def get(self, path: str, language: str = "en", accept: str = "text/html") -> httpx.Response:
        return await self.client.get(
            f"{self.home}{path}", headers=self.headers(language, accept), follow_redirects=False
        )

    async def post(
        self,
        path: str,
        data: dict[str, object] | None = None,
        *,
        file: tuple[str, bytes] | None = None,
        language: str = "en",
        accept: str = "text/html",
        csrf: bool = True,
    ) -> httpx.Response:
        sent = {**({"csrf": csrf_token(self.secret, self.token)} if csrf else {}), **(data or {})}
        return await self.client.post(
            f"{self.home}{path}", data=sent, files={"file": file} if file else None,
            headers=self.headers(language, accept), follow_redirects=False,
        )  # fmt: skip
