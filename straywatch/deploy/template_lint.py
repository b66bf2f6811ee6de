"""Lints a packaged template with cfn-lint, so that a faulty one is stopped before it is sent."""

from __future__ import annotations

from pathlib import Path

from straywatch.errors import StraywatchError
from straywatch.text import one_line

_SHOWN = 3


def lint(template: Path, *regions: str) -> None:
    """Raise StraywatchError if cfn-lint finds anything in the template as deployed to `regions`."""
    from cfnlint.api import ManualArgs, lint_file  # noqa: PLC0415 - it takes seconds to import

    said = [
        one_line(f"{match.rule.id} at {'/'.join(map(str, match.path or []))}: {match.message}")
        for match in lint_file(template, ManualArgs(regions=list(regions)))
    ]
    if said:
        more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
        told = "; ".join(said[:_SHOWN])
        raise StraywatchError(f"cfn-lint refuses {template} for {', '.join(regions)}: {told}{more}")
