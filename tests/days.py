"""The day it is where the site is: for a third of each day another one than where its machine counts in UTC."""

from __future__ import annotations

from datetime import date, datetime

from evaluator.settings import Settings


def local_day() -> date:
    """The day on which a site with the default settings says that it is."""
    return datetime.now(Settings().zone).date()
