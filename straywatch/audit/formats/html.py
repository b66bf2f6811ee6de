"""The report as one self-contained page: no script, no request, light and dark, printable."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from chalicelib.times import iso
from straywatch.audit.formats.summary import sentences
from straywatch.audit.formats.times import age
from straywatch.audit.report import Report
from straywatch.text import visible


def render(report: Report) -> str:
    """Write the page. All text from others is escaped twice: as HTML, and where it is invisible."""
    template, style = _template()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return template.render(
        report=report,
        sentences=sentences(report),
        style=Markup(style),  # noqa: S704 - our own style sheet, no one else's text
        style_hash=digest,
    )


@cache
def _template() -> tuple[Template, str]:
    environment = Environment(
        loader=PackageLoader("straywatch.audit", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(visible=visible, iso=iso, age=age)
    source, _, _ = environment.loader.get_source(environment, "audit.css")  # type: ignore[union-attr] # set above
    return environment.get_template("audit.html"), source
