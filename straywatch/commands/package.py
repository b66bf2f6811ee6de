"""`straywatch package`: the template and the code archive, as they would be deployed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from chalicelib.domain.partitions import HOME_REGIONS
from straywatch import __version__
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
    default=Path("build", "package"),
    show_default=True,
    help="Directory for sam.json and deployment.zip.",
)
def command(out: Path) -> None:
    """Pack the monitor and lint its template. Needs no credentials.

    Equal sources give equal bytes, whoever packs them.
    """
    click.echo(f"straywatch: packing version {__version__}", err=True)
    package = build(SOURCES, out)
    click.echo("straywatch: linting the template, which takes some seconds", err=True)
    lint(package.template, *HOME_REGIONS.values())
    for path in (package.template, package.archive):
        content = path.read_bytes()
        click.echo(f"{path}  {len(content):,} bytes  sha256 {hashlib.sha256(content).hexdigest()}")
