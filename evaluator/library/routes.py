"""The library of questionnaires, for anybody: a list, a page for each, and its file as YAML and as an XLSForm."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from evaluator import pages
from evaluator.library.forms import all_forms, find_form
from evaluator.library.lasting import between
from evaluator.problems import not_found
from questionnaires.loading import load_shipped, shipped, shipped_text

Ask = Request[Any, Any, Any]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@cache
def _xlsform(code: str) -> bytes:
    """A shipped questionnaire as an XLSForm, made once."""
    from questionnaires.xlsform.exporting import export_form  # takes a second to load

    return export_form(load_shipped(code))


@get("/library")
async def library(request: Ask) -> Response[str]:
    """What ships with the platform, what for and how long it takes."""
    rows = [(form, between(form.paths)) for form in all_forms()]
    return pages.page(request, "library/list.html", rows=rows)


@get("/library/{name:str}")
async def form(request: Ask, name: FromPath[str]) -> Response[Any]:
    """A questionnaire to read, or its file."""
    code, _dot, kind = name.partition(".")
    if code not in shipped() or kind not in ("", "yaml", "xlsx"):
        raise not_found(name[:40])
    if kind == "yaml":
        return pages.data_response(request, shipped_text(code).encode(), "application/yaml", file_name=f"{code}.yaml")
    if kind == "xlsx":
        return pages.data_response(request, await asyncio.to_thread(_xlsform, code), XLSX, file_name=f"{code}.xlsx")
    return pages.page(request, "library/form.html", form=find_form(code))


public: list[Any] = [library, form]
