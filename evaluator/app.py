"""create_app(settings): the one place where everything is wired."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, Request, Response, Router, get
from litestar.datastructures import CacheControlHeader, State
from litestar.exceptions import HTTPException
from litestar.static_files import create_static_files_router
from litestar.types import Receive, Scope, Send

from evaluator import database, error_answers, language, pages, problems, security
from evaluator.accounts import routes as accounts
from evaluator.accounts.sessions import staff_only
from evaluator.assessment import routes as assessment
from evaluator.collection import routes as collection
from evaluator.collection.at_once import taken_at_once
from evaluator.collection.campaigns import Campaigns
from evaluator.collection.tables import Campaign
from evaluator.compression import compressed
from evaluator.editing import routes as editing
from evaluator.ledger import routes as ledger
from evaluator.library import routes as library
from evaluator.publication import api_routes as api
from evaluator.publication import changes_routes as changes
from evaluator.publication import compare_routes as compare
from evaluator.publication import indicator_routes as indicators
from evaluator.publication import lifecycle_routes as lifecycle
from evaluator.publication import open_questionnaires
from evaluator.publication import registered_routes as registered
from evaluator.publication import review_routes as review
from evaluator.publication import routes as publication
from evaluator.publication.changing import what_can_change
from evaluator.publication.rendered import Rendered
from evaluator.records import routes as records
from evaluator.settings import Settings, read_settings
from evaluator.units import routes as units
from evaluator.workbench import routes as workbench


def _(message: str) -> str:  # marks a message for extraction; it is translated when shown
    return message


class Site(Litestar):
    """Litestar inside the layers that set language and headers, take forms, keep public pages and compress."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.rendered = Rendered(lambda: what_can_change(self.state.settings), self._forget_campaigns)
        inner = self.rendered.around(compressed(super().__call__))
        self._layers = security.guarded(taken_at_once(inner, lambda: self.state))

    def _forget_campaigns(self) -> None:
        """What this process remembers of campaigns may be older than the change that made pages untrue."""
        if "campaigns" in self.state:
            self.state.campaigns = Campaigns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._layers(scope, receive, send)


@get("/language", sync_to_thread=False)
def choose_language(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Remember a language and go back to the page it was chosen on."""
    wanted = request.query_params.get("to", "")
    back = pages.local_path(request.query_params.get("back", "/"))
    if wanted not in language.LANGUAGES:
        raise problems.not_found(str(wanted)[:40])
    secure = "; Secure" if request.app.state.settings.secure_cookies else ""
    keep = f"{language.COOKIE}={wanted}; Path=/; Max-Age=31536000; SameSite=Lax{secure}"
    return pages.redirect(back, {"Set-Cookie": keep})


@get("/health", sync_to_thread=False)
def health() -> dict[str, str]:
    """For load balancers: the process answers."""
    return {"status": "ok"}


async def holds_simulated_data() -> bool:
    """Whether this site was filled by the demo: then every page says so, those without data too."""
    try:
        return bool(await Campaign.exists().where(Campaign.simulated.eq(True)))
    except database.DatabaseError:  # not upgraded yet; what needs the tables will say so
        return False


async def refuse_foreign_forms(request: Request[Any, Any, Any]) -> None:
    """A form that another site makes a browser send is refused (cross-site request forgery)."""
    if request.method in security.UNSAFE and security.from_elsewhere(request.scope):
        raise problems.forbidden(_("This form was sent from another site. Open our page and send it from there."))


def create_app(settings: Settings | None = None) -> Site:
    """The application, wired: rooms' routes, errors, headers, database connections.

    A room's `routes.py` has `public` and `staff`, lists of handlers, and, where it needs them, `lifespan`,
    a list of async context managers that take the application.
    """
    settings = settings or read_settings()
    database.connect(settings.database)
    public: list[Any] = [choose_language, health, *accounts.public]
    staff: list[Any] = [*accounts.staff]
    lifespans: list[Any] = []
    rooms = (
        units, ledger, collection, editing, library, assessment, records, publication, compare, indicators, lifecycle,
        open_questionnaires, changes, registered, review, api, workbench,
    )  # fmt: skip
    for room in rooms:
        routes: Any = room
        public += getattr(routes, "public", [])
        staff += getattr(routes, "staff", [])
        lifespans += getattr(routes, "lifespan", [])

    @contextlib.asynccontextmanager
    async def connections(app: Litestar) -> AsyncIterator[None]:
        await database.engine().start_connection_pool(min_size=1, max_size=8)
        try:
            app.state.simulated = await holds_simulated_data()
            yield
        finally:
            await database.engine().close_connection_pool()

    return Site(
        [
            *public,
            Router("/staff", route_handlers=staff, middleware=[staff_only]),
            create_static_files_router(
                "/static",
                [pages.STATIC],
                cache_control=CacheControlHeader(max_age=31536000, public=True, immutable=True),
            ),
        ],
        before_request=refuse_foreign_forms,
        exception_handlers={HTTPException: error_answers.on_error, Exception: error_answers.on_error},
        lifespan=[connections, *lifespans],
        state=State({"settings": settings, "secret": settings.secret()}),
        openapi_config=None,
        request_max_body_size=12_000_000,
        debug=False,
    )
