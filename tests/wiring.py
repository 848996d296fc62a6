"""The application for tests that ask for many: wired once a process, then given other settings."""

from __future__ import annotations

import msgspec
from litestar.datastructures import State

from evaluator import database
from evaluator.app import Site, create_app
from evaluator.settings import Settings

_wired: list[Site] = []


def site_over(settings: Settings) -> Site:
    """What `create_app(settings)` gives, but wired only once: wiring two hundred routes takes as long as most tests.

    The one before is not usable any more. Answers are stored by a thread: starting a process takes as long again.
    """
    settings = msgspec.structs.replace(settings, writer_process=False)
    if not _wired:
        _wired.append(create_app(settings))
    [site] = _wired
    database.connect(settings.database)
    site.state = State({"settings": settings, "secret": settings.secret()})
    site.rendered.forget()
    return site
