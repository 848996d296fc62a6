"""Editions that were published: the figures live in files, the database only knows which there are."""

from __future__ import annotations

from piccolo.columns import Boolean, Date
from piccolo.table import Table

from evaluator.columns import BoundedText


class PublishedEdition(Table):
    """An edition folder under the data directory that the site shows."""

    identifier = BoundedText(length=64, least=1, primary_key=True)
    title_zh = BoundedText(length=200, least=1)
    title_en = BoundedText(length=200, least=1)
    period_from = Date(default=None, null=False)
    period_to = Date(default=None, null=False)
    published_on = Date(default=None, null=False)
    sums_sha256 = BoundedText(length=64, least=64)  # of the folder's SHA256SUMS, so that a changed folder is not served
    supersedes = BoundedText(length=64)
    simulated = Boolean(default=False)
