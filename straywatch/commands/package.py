"""`straywatch package`: the template and the code archive, as they would be deployed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import click

from chalicelib.domain.partitions import HOME_REGIONS
from straywatch import __version__
from straywatch.deploy.packaging import SOURCES, build
from straywatch.deploy.plain_template import plain
from straywatch.deploy.template_lint import lint
from straywatch.errors import StraywatchError


def plain_text(packaged: str) -> str:
    """The plain template of a packaged one, both as text. Its form is the same in each region."""
    made = {
        json.dumps(plain(json.loads(packaged), each), indent=1) for each in HOME_REGIONS.values()
    }
    if len(made) != 1:
        raise StraywatchError(
            "the plain template differs from region to region: nothing is written"
        )
    return made.pop() + "\n"


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
    help="Directory for the three files.",
)
def command(out: Path) -> None:
    """Pack the monitor and lint its template. Needs no credentials.

    sam.json is what `straywatch deploy` sends. template.json is the same without a transform, for
    StackSets and pipelines that take none: put deployment.zip into a bucket and say where.

    Equal sources give equal bytes, whoever packs them.
    """
    click.echo(f"straywatch: packing version {__version__}", err=True)
    package = build(SOURCES, out)
    plain = out / "template.json"
    plain.write_text(plain_text(package.template.read_text(encoding="utf-8")), encoding="utf-8")
    click.echo("straywatch: linting the templates, which takes some seconds", err=True)
    for template in (package.template, plain):
        lint(template, *HOME_REGIONS.values())
    for path in (package.template, plain, package.archive):
        content = path.read_bytes()
        click.echo(f"{path}  {len(content):,} bytes  sha256 {hashlib.sha256(content).hexdigest()}")
