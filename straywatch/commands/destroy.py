"""`straywatch destroy`: the stack goes, the findings stay unless told otherwise."""

from __future__ import annotations

import sys

import click
from botocore.exceptions import ClientError

from straywatch.deploy.artifacts import Bucket, artifact_bucket
from straywatch.deploy.removal import (
    NotApproved,
    NothingToRemove,
    RemovalPreview,
    Removed,
    destroy,
)
from straywatch.deploy.settings import stack_name
from straywatch.deploy.stack_resources import Resource
from straywatch.errors import StraywatchError, WrongUsageError, explain
from straywatch.terminal.options import aws_context, aws_options

_EXAMPLES = """\b
Examples:
  straywatch destroy
  straywatch destroy --stage test --delete-findings --yes
"""


@click.command("destroy", epilog=_EXAMPLES)
@click.option("--stage", help="Remove straywatch-STAGE instead of straywatch.")
@click.option("--delete-findings", is_flag=True, help="Delete the findings for good, too.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@aws_options
@click.pass_context
def command(ctx: click.Context, stage: str | None, *, delete_findings: bool, yes: bool) -> None:
    """Remove the monitor and its exemptions.

    Its findings stay in their table unless --delete-findings is given.

    A later deployment starts with a table of its own and names the old one.
    """
    name = stack_name(stage)
    if not (yes or sys.stdin.isatty()):
        raise WrongUsageError("nobody can be asked here, as stdin is no terminal: add --yes")

    def approve(preview: RemovalPreview) -> bool:
        _show(preview)
        return yes or click.confirm(f"Remove {name}?", err=True)

    session = aws_context(ctx).session
    outcome = destroy(
        session, name, delete_findings=delete_findings, progress=_say, approve=approve
    )
    match outcome:
        case NothingToRemove():
            click.echo(f"there is no stack {name} in {session.region_name}: nothing to remove")
        case NotApproved():
            raise StraywatchError("not approved: nothing was removed")
        case Removed(kept):
            click.echo(f"removed {name}")
            _list("still in the account", kept)
            _say_artifacts(artifact_bucket(session))


def _say_artifacts(bucket: Bucket) -> None:
    """Say that the uploaded packages stay, as other stages may need them to roll back."""
    try:
        remains = bucket.exists()
    except ClientError as error:  # the removal is done: this is no reason to call it failed
        _say(f"whether the bucket {bucket.name} remains is unknown: {explain(error)}")
        return
    if remains:
        _say(
            f"still in the account: the uploaded packages; when no stage is left, "
            f"`aws s3 rb --force s3://{bucket.name}` removes them"
        )


def _show(preview: RemovalPreview) -> None:
    _say(f"remove stack {preview.stack_name} with {len(preview.removed)} resources")
    for table in preview.tables:
        _say(click.style(f"!! delete every finding in {table.physical_id}", fg="red", bold=True))
    if preview.parameter:
        _say(f"with it goes {preview.parameter}; keep a copy: `straywatch exemptions show`")
    _list("stays in the account", preview.kept)


def _list(title: str, resources: tuple[Resource, ...]) -> None:
    for resource in resources:
        _say(f"{title}: {resource}")


def _say(line: str) -> None:
    click.echo(line, err=True)
