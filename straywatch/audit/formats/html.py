"""The report as one self-contained page: no script, no request, light and dark, printable."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from chalicelib.domain.evaluation import Evaluation
from chalicelib.times import in_utc
from straywatch.audit.formats.controls import REMEDIATION
from straywatch.audit.formats.summary import by_severity, found, headline
from straywatch.audit.formats.times import age
from straywatch.audit.report import Report
from straywatch.text import visible


def render(report: Report) -> str:
    """Write the page. All text from others is escaped twice: as HTML, and where it is invisible."""
    template, style = _template()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return template.render(
        report=report,
        headline=headline(report),
        sentences=found(report),
        by_severity=[(each.name, count) for each, count in by_severity(report)],
        users={
            "stray": list(report.strays),
            "exempt": [u for u in report.users if u.evaluation is Evaluation.NOT_APPLICABLE],
            "member": [u for u in report.users if u.evaluation is Evaluation.COMPLIANT],
        },
        remediation=REMEDIATION,
        style=Markup(style),  # nosec B704  # noqa: S704 - our own style sheet, no one else's text
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
    environment.filters.update(visible=visible, in_utc=in_utc, age=age)
    source, _, _ = environment.loader.get_source(environment, "paper.css")  # type: ignore[union-attr] # set above
    return environment.get_template("audit.html"), source
