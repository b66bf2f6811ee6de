"""The report as one self-contained page: no script that runs, no request, good on paper."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from chalicelib.times import spoken
from straywatch.report.chart import chart
from straywatch.text import visible

_DATA = re.compile(r'<script type="application/json" id="data">\n(.*)\n</script>', re.DOTALL)


class NoDataError(ValueError):
    """A page that holds no report's data."""


def render(data: Mapping[str, Any]) -> str:
    """Write a sealed report as a page, which holds the data, too."""
    template, style = _template()
    style_hash = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return template.render(
        data=data,
        chart=chart(data),
        style=Markup(style),  # noqa: S704 - our own style sheet, no one else's text
        style_hash=style_hash,
        embedded=Markup(_inert(data)),  # noqa: S704 - JSON without any character of markup
    )


def data_of(page: str) -> dict[str, Any]:
    """Read the data back from a page. Raises NoDataError."""
    match = _DATA.search(page)
    try:
        data = json.loads(match[1]) if match else None
    except ValueError as error:
        raise NoDataError(str(error)) from error
    if not isinstance(data, dict):
        raise NoDataError("no data in it")
    return data


def _inert(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _moment(text: str | None) -> str:
    """`2026-01-31 12:00:00` from an ISO time in UTC, to the second."""
    return text[:19].replace("T", " ") if text else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


@cache
def _template() -> tuple[Template, str]:
    environment = Environment(
        loader=PackageLoader("straywatch.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(visible=visible, moment=_moment, spoken=spoken, number=_number)
    source, _, _ = environment.loader.get_source(environment, "report.css")  # type: ignore[union-attr] # set above
    return environment.get_template("report.html"), source
