"""`straywatch package`: the template and the code archive, as they would be deployed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from chalicelib.domain.partitions import HOME_REGIONS
from straywatch.deploy.packaging import SOURCES, build
from straywatch.deploy.template_lint import lint

_EXAMPLES = """\b
Examples:
  straywatch package
  straywatch package --out /tmp/straywatch
"""


@click.command("package", epilog=_EXAMPLES)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=SOURCES / "build" / "package",
    help="Directory for sam.json and deployment.zip; default: build/package.",
)
def command(out: Path) -> None:
    """Pack the monitor and lint its template. Needs no credentials.

    Equal sources give equal bytes, whoever packs them.
    """
    package = build(SOURCES, out)
    for region in HOME_REGIONS.values():
        lint(package.template, region)
    for path in (package.template, package.archive):
        content = path.read_bytes()
        click.echo(f"{path}  {len(content):,} bytes  sha256 {hashlib.sha256(content).hexdigest()}")
