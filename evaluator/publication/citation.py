"""How an edition is cited, and what search engines for data are told of it (schema.org Dataset)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from evaluator import language
from evaluator.language import gettext as _
from evaluator.publication.editions import Edition
from evaluator.settings import Settings


def address(settings: Settings, edition: Edition) -> str:
    """Where the edition stays."""
    return f"{settings.base_url.rstrip('/')}/editions/{quote(edition.identifier, safe='')}"


def author(settings: Settings) -> str:
    return settings.operator or _("the publisher of this site")


def sentence(settings: Settings, edition: Edition, published: date) -> str:
    """The citation as a reference list has it: who, when, what, which, where."""
    return _("%(author)s (%(year)d). %(title)s (edition %(identifier)s) [Data set]. %(address)s") % {
        "author": author(settings), "year": published.year, "title": language.said(edition.note.title),
        "identifier": edition.identifier, "address": address(settings, edition),
    }  # fmt: skip


def bibtex(settings: Settings, edition: Edition, published: date) -> str:
    """The same for a program that keeps references."""
    fields = {
        "author": f"{{{_braced(author(settings))}}}", "title": f"{{{_braced(language.said(edition.note.title))}}}",
        "year": str(published.year), "version": _braced(edition.identifier), "url": address(settings, edition),
        "note": f"SHA-256 of SHA256SUMS: {edition.sums}",
    }  # fmt: skip
    key = re.sub(r"[^A-Za-z0-9]+", "-", edition.identifier)
    inside = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{{key},\n{inside}\n}}"


def _braced(text: str) -> str:
    """A text that BibTeX reads as it is."""
    return re.sub(r"([{}&%$#_\\])", r"\\\1", text)


LICENCES = {
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
}


def dataset(settings: Settings, edition: Edition, published: date, sizes: Mapping[str, int]) -> Markup:
    """A schema.org `Dataset` as JSON-LD, safe inside a script element."""
    note, home = edition.note, address(settings, edition)
    kinds = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet", ".json": "application/json"}
    told: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": language.said(note.title),
        "description": _(
            "Integrity ratings of %(number)d governments and departments with their uncertainty, and the inputs and "
            "the scheme from which anyone can recompute them."
        ) % {"number": len(edition.ratings)},
        "identifier": edition.identifier,
        "version": edition.identifier,
        "url": home,
        "license": LICENCES.get(note.licence, note.licence),
        "inLanguage": ["zh-CN", "en"],
        "datePublished": published.isoformat(),
        "isAccessibleForFree": True,
        "creator": {"@type": "GovernmentOrganization", "name": author(settings)},
        "measurementTechnique": f"{language.said(edition.scheme.title)} {note.scheme.code} {note.scheme.version}",
        "variableMeasured": [language.said(one.name) for one in edition.scheme.dimensions],
        "distribution": [
            {"@type": "DataDownload", "name": name, "encodingFormat": kind, "contentSize": str(size),
             "contentUrl": f"{home}/files/{quote(name)}"}
            for name, size in sizes.items() for ending, kind in kinds.items() if name.endswith(ending)
        ],
    }  # fmt: skip
    if note.period:
        told["temporalCoverage"] = "/".join(day.isoformat() for day in note.period)
    if edition.simulated:
        told["keywords"] = ["SIMULATED"]
    text = json.dumps(told, ensure_ascii=False, indent=1)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704
