"""The report as one self-contained page: no script that runs, no request, good on paper."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from chalicelib.times import in_utc, parse_time, spoken
from straywatch.report.chart import chart
from straywatch.report.numbers import number, percent
from straywatch.report.verdict import by_severity, verdict
from straywatch.text import visible

_DATA = re.compile(r'<script type="application/json" id="data">\n(.*)\n</script>', re.DOTALL)


class NoDataError(ValueError):
    """A page that holds no report's data."""


def render(data: Mapping[str, Any]) -> str:
    """Write a sealed report as a page, which holds the data, too."""
    template, sheet = _template()
    style = sheet + _margins(data)
    style_hash = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return template.render(
        data=data,
        chart=chart(data),
        verdict=verdict(data),
        open_by_severity=by_severity(data),
        style=Markup(style),  # nosec B704  # noqa: S704 - our own style sheet, no one else's text
        style_hash=style_hash,
        embedded=Markup(_inert(data)),  # nosec B704  # noqa: S704 - JSON without any character of markup
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


def _margins(data: Mapping[str, Any]) -> str:
    """Account, digest and page number in the margin of each printed page."""
    account = re.sub(r"\W", "", str(data["scope"]["account_id"]))
    value = re.sub(r"\W", "", str(data["digest"]["value"]))
    return (
        f'@page {{ @bottom-left {{ content: "AWS account {account}  SHA-256 {value}" }}'
        ' @bottom-right { content: "Page " counter(page) " of " counter(pages) } }\n'
    )


def _moment(text: str | None) -> str:
    """`2026-01-31 12:00:00 UTC` from an ISO time, to the second."""
    return in_utc(parse_time(text)) if text else ""


@cache
def _template() -> tuple[Template, str]:
    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("straywatch.report", "templates"),
                PackageLoader("straywatch.audit", "templates"),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        visible=visible, moment=_moment, spoken=spoken, number=number, percent=percent
    )
    loader = environment.loader
    sheets = [loader.get_source(environment, name)[0] for name in ("paper.css", "report.css")]  # type: ignore[union-attr] # set above
    return environment.get_template("report.html"), "".join(sheets)
