"""`straywatch deploy`: from this clone to a running stack, with every change shown first."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
import click
from botocore.exceptions import ClientError

from straywatch import __version__
from straywatch.aws.identity import own_account
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.change_set import Terms
from straywatch.deploy.deployment import NotApprovedError, deploy
from straywatch.deploy.leftovers import earlier_tables
from straywatch.deploy.packaging import SOURCES, build
from straywatch.deploy.parameters import choose_parameters
from straywatch.deploy.protection import protect as guard
from straywatch.deploy.ready_made import read_package
from straywatch.deploy.settings import (
    email_address,
    grace_seconds,
    named_parameters,
    require_home_region,
    require_whole_network,
    stack_name,
    sweep_rate,
)
from straywatch.deploy.stack import Absent, read_stack, require_deployable
from straywatch.deploy.stack_changes import ChangePreview
from straywatch.deploy.template import assemble
from straywatch.deploy.template_lint import lint
from straywatch.errors import WrongUsageError, explain
from straywatch.terminal.options import aws_context, aws_options, format_option


@dataclass(frozen=True)
class Consent:
    """How the change set gets its approval."""

    yes: bool
    dry_run: bool
    on_terminal: bool

    def require_possible(self) -> None:
        """Raise WrongUsageError if there is nobody to ask and nothing was agreed to."""
        if not (self.yes or self.dry_run or self.on_terminal):
            raise WrongUsageError(
                "nobody can be asked here, as stdin is no terminal: "
                "add --yes to run the changes, or --dry-run to see them"
            )

    def approve(self, preview: ChangePreview) -> bool:
        """Show what would happen and find out whether it may."""
        _say("")
        for line in preview.lines():
            _say(click.style(line, fg="red", bold=True) if "!!" in line else line)
        if self.dry_run:
            return False
        return self.yes or click.confirm("Run these changes?", err=True)


_EXAMPLES = """\b
Examples:
  straywatch deploy --email you@example.com
  straywatch deploy --grace 30m --parameter ReminderHours=12 --dry-run
  straywatch deploy --tag team=security --role-arn arn:aws:iam::111122223333:role/deploys
  straywatch deploy --stage test --email you@example.com --yes
  straywatch deploy --package straywatch-0.3.0
"""


@click.command("deploy", epilog=_EXAMPLES)
@click.option("--email", help="Where alerts go; needed for the first deployment.")
@click.option("--grace", help="Grace period: 900, 15m, 2h, up to 7d; template's default: 15m.")
@click.option("--sweep-rate", "rate", help="How often everybody is looked at: 'rate(1 hour)'.")
@click.option("--stage", help="Deploy a second monitor beside others, as straywatch-STAGE.")
@click.option(
    "--parameter", "pairs", multiple=True, metavar="KEY=VALUE", help="Any template parameter."
)
@click.option(
    "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag the stack and all that is in it."
)
@click.option(
    "--package",
    "packed",
    type=click.Path(file_okay=False, path_type=Path),
    help="Deploy the files of a release, or of `straywatch package`, instead of packing anew.",
)
@click.option("--role-arn", default="", help="The role that CloudFormation is to work with.")
@click.option(
    "--artifact-bucket",
    "bucket",
    default="",
    help="A bucket of yours for the package, used as it is.",
)
@click.option(
    "--protect/--no-protect",
    default=True,
    show_default=True,
    help="Protect the stack and its findings from deletion elsewhere.",
)
@click.option("--yes", is_flag=True, help="Run the changes without asking.")
@click.option(
    "--dry-run", is_flag=True, help="Show the changes, run none of them (the package is uploaded)."
)
@format_option("text", "json")
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    email: str | None,
    grace: str | None,
    rate: str | None,
    stage: str | None,
    pairs: tuple[str, ...],
    tags: tuple[str, ...],
    packed: Path | None,
    role_arn: str,
    bucket: str,
    protect: bool,
    yes: bool,
    dry_run: bool,
    form: str,
) -> None:
    """Deploy the monitor, or update it, through a change set that is shown first.

    Settings that are not given stay as they are. Works in the home region of the partition only
    (us-east-1, cn-north-1, us-gov-west-1): IAM's events arrive nowhere else.
    """
    name = stack_name(stage)
    parameters = _parameters(email, grace, rate, named_parameters(pairs))
    terms = Terms(role_arn, named_parameters(tags, "tag"), bucket)
    consent = Consent(yes=yes, dry_run=dry_run, on_terminal=sys.stdin.isatty())
    consent.require_possible()
    ready = read_package(packed) if packed else None
    context = aws_context(ctx)
    account = own_account(context.session)
    region = context.session.region_name
    require_home_region(account.partition, region)
    is_new = _require_ready(context.session, name, parameters)
    how = f"taking {packed}," if ready else "packing"
    _say(f"{how} version {__version__} for account {account.account_id}, {region}")
    try:
        with tempfile.TemporaryDirectory(prefix="straywatch-package-") as out:
            package = ready or build(SOURCES, Path(out))
            _say("linting its template")
            lint(package.template, region)
            outputs = deploy(
                context.session,
                package,
                name,
                parameters,
                progress=_say,
                approve=consent.approve,
                terms=terms,
            )
    except NotApprovedError:
        if not dry_run:
            raise
        _say("a dry run: nothing was changed")
        return
    _report(name, outputs, form)
    guard(context.session, name, outputs["FindingsTableName"], protected=protect)
    if is_new:
        _say_next(parameters.get("AlertEmail", ""))
        _say_earlier(context.session, name)


def _parameters(
    email: str | None, grace: str | None, rate: str | None, others: Mapping[str, str]
) -> dict[str, str]:
    """Put the options together as template parameters. Raises WrongUsageError."""
    named: dict[str, str] = {}
    if email is not None:
        named["AlertEmail"] = email_address(email)
    if grace is not None:
        named["GracePeriodSeconds"] = str(grace_seconds(grace))
    if rate is not None:
        named["SweepRate"] = sweep_rate(rate)
    twice = sorted(set(named) & set(others))
    if twice:
        raise WrongUsageError(f"{', '.join(twice)} given twice: by its own option and --parameter")
    return named | dict(others)


def _require_ready(session: boto3.Session, name: str, parameters: Mapping[str, str]) -> bool:
    """Return whether the stack is new, before anything is packaged or uploaded.

    Raises StraywatchError if it cannot be deployed to, WrongUsageError if it would alert nobody or
    the template does not take a parameter.
    """
    stack = read_stack(session.client("cloudformation", config=RETRIES), name)
    require_deployable(stack)
    choose_parameters(assemble()["Parameters"], parameters, stack)
    is_new = isinstance(stack, Absent)
    require_whole_network(parameters, is_new=is_new)
    if is_new and "AlertEmail" not in parameters:
        raise WrongUsageError(
            "the first deployment needs --email you@example.com, so that alerts reach somebody "
            "(--parameter AlertEmail= deploys without)"
        )
    return is_new


def _report(name: str, outputs: Mapping[str, str], form: str) -> None:
    if form == "json":
        click.echo(json.dumps({"stack": name, "outputs": dict(outputs)}, indent=2))
        return
    width = max(map(len, outputs), default=0)
    for key, value in sorted(outputs.items()):
        click.echo(f"{key:<{width}}  {value}")


def _say_next(email: str) -> None:
    if email:
        _say(f"next: open the three mails that AWS has sent to {email}, for alerts, for")
        _say("      alarms and for tampering, and confirm each; until then nothing reaches it")
        _say("then: see that it does with `straywatch test-alert`")
    else:
        _say("next: subscribe somebody to AlertTopicArn; until then no alert reaches anybody")


def _say_earlier(session: boto3.Session, name: str) -> None:
    try:
        tables = earlier_tables(session, name)
    except ClientError as error:  # the deployment is done: this is no reason to call it failed
        _say(f"whether findings of an earlier deployment remain is unknown: {explain(error)}")
        return
    for table in tables:
        _say(f"findings of an earlier deployment remain in table {table}")


def _say(line: str) -> None:
    click.echo(line, err=True)
