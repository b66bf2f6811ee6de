"""`straywatch check`: evaluate single users now, and say why."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.authorization_details import users as users_of
from chalicelib.adapters.iam import Iam
from chalicelib.adapters.parameters import read_parameter
from chalicelib.adapters.tables import FindingsTable, Ledger, StateTable
from chalicelib.domain.account import Account
from chalicelib.domain.events import is_user_name
from chalicelib.domain.exemptions import Exemptions
from chalicelib.flows.exemptions_in_force import DOCUMENT, in_force
from chalicelib.flows.ports import Memory
from chalicelib.times import utc_now
from straywatch.aws.identity import own_account
from straywatch.aws.sessions import RETRIES
from straywatch.checking.live import Checker, NoMemory, Verdict, risk_reader
from straywatch.checking.verdicts import Failed, as_object, is_stray, print_verdict
from straywatch.deploy.deployed import output
from straywatch.deploy.settings import stack_name
from straywatch.deploy.stack import Absent, Stack, read_stack
from straywatch.errors import (
    EXIT_FINE,
    EXIT_FOUND,
    EXIT_INCOMPLETE,
    StraywatchError,
    WrongUsageError,
    explain,
)
from straywatch.terminal.exemptions_file import read_exemptions
from straywatch.terminal.options import aws_context, aws_options, format_option, output_option
from straywatch.terminal.progress import waiting

SCHEMA = "straywatch.check/1"

_USER_ID = re.compile(r"AIDA[A-Z0-9]{12,124}")  # IAM User Guide, Unique identifiers

_EXAMPLES = """\b
Examples:
  straywatch check alice
  straywatch check AIDAQ3EGSEXAMPLEFRANK
  straywatch check alice bob --format json | jq '.users[] | {user_name, evaluation}'
  straywatch check alice --exemptions exemptions.json

\b
Exit codes: 0 none is a stray, 1 one is, 2 wrong usage, 3 one could not be looked at.
"""


@click.command(epilog=_EXAMPLES)
@click.argument("users", nargs=-1, required=True, metavar="NAME|ID...")
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@click.option(
    "--exemptions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Exemptions of this file instead of the deployment's.",
)
@format_option("table", "json")
@output_option
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    users: tuple[str, ...],
    stage: str | None,
    exemptions: Path | None,
    form: str,
) -> int:
    """Look at users, by name or user id, in live IAM and say what each is, and why.

    COMPLIANT: in a group. NOT_APPLICABLE: exempt. NON_COMPLIANT: a stray. GONE: there is no such
    user. Exemptions and history are the deployment's, where there is one. Changes nothing.
    """
    for name in users:
        if not is_user_name(name):
            raise WrongUsageError(f"{name!r} is no IAM user's name or id")
    rules = read_exemptions(exemptions)[0] if exemptions else None
    session = aws_context(ctx).session
    account = own_account(session)
    checker = _checker(session, account, stage, rules)
    with waiting("Looking at users"):
        names = dict.fromkeys(_named(session, user) for user in users)
        told = [_check(checker, name) for name in names]
    if form == "json":
        plain = [as_object(each) for each in told]
        answer = {"schema": SCHEMA, "account_id": account.account_id, "users": plain}
        click.echo(json.dumps(answer, indent=2))
    else:
        for each in told:
            print_verdict(each, account)
    return _exit_code(told)


def _named(session: boto3.Session, user: str) -> str:
    """The name of a user who is given by id; whoever has no such id is taken for a name."""
    if not _USER_ID.fullmatch(user):
        return user
    found = users_of(session.client("iam", config=RETRIES))
    return next((each.name for each in found if each.user_id == user), user)


def _checker(
    session: boto3.Session, account: Account, stage: str | None, rules: Exemptions | None
) -> Checker:
    name = stack_name(stage)
    stack = read_stack(session.client("cloudformation", config=RETRIES), name)
    if isinstance(stack, Absent):
        where = f"there is no stack {name} in {session.region_name}"
        if stage:
            raise StraywatchError(f"{where}: name its --stage and --region")
        if rules is None:
            click.echo(f"straywatch: {where}: only tags exempt users here", err=True)
        memory: Memory = NoMemory()
    else:
        dynamodb = session.client("dynamodb", config=RETRIES)
        state = StateTable(dynamodb, output(stack, "StateTableName"), timedelta())
        findings = FindingsTable(dynamodb, output(stack, "FindingsTableName"), timedelta())
        memory = Ledger(findings, state)
        rules = rules or _in_force(session, stack, state, account)
    iam = session.client("iam", config=RETRIES)
    return Checker(
        account=account,
        iam=Iam(lambda: iam),
        exemptions=rules or Exemptions(),
        memory=memory,
        assess=risk_reader(iam, utc_now),
    )


def _in_force(
    session: boto3.Session, stack: Stack, state: StateTable, account: Account
) -> Exemptions:
    """The deployment's exemptions: while a broken document is refused, the last good one's."""
    ssm = session.client("ssm", config=RETRIES)
    text = read_parameter(ssm, output(stack, "ConfigParameterName"))
    found = in_force(text, state.document(account, DOCUMENT))
    if found.faults:
        click.echo(
            "straywatch: the configuration is refused (`straywatch exemptions show` says why): "
            "the last good one is in force",
            err=True,
        )
    return found.exemptions


def _check(checker: Checker, name: str) -> Verdict | Failed:
    try:
        return checker.check(name)
    except (BotoCoreError, ClientError) as error:
        return Failed(name, explain(error))


def _exit_code(told: list[Verdict | Failed]) -> int:
    if any(isinstance(each, Failed) for each in told):
        return EXIT_INCOMPLETE
    strays = (each for each in told if is_stray(each))
    return EXIT_FOUND if any(strays) else EXIT_FINE
