"""`straywatch audit`: every user of an account, in groups or stray or exempt, right now."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from chalicelib.domain.exemptions import Exemptions
from chalicelib.domain.severity import Severity
from straywatch.audit.doors import Entrances
from straywatch.audit.formats import summary, table
from straywatch.audit.reading import Door, Question, read_account
from straywatch.audit.report import AccountResult, Report
from straywatch.errors import EXIT_FINE, EXIT_FOUND, StraywatchError
from straywatch.terminal.exemptions_file import read_exemptions
from straywatch.terminal.files import check_writable, write
from straywatch.terminal.options import region_and_debug_options
from straywatch.terminal.progress import counting

FORMATS = ("table", "json", "csv", "html", "asff", "ocsf")
_SAID = 3  # gaps named in the last line; the report names all
_AT_ONCE = 8  # accounts read side by side; each has its own limits at AWS

_EXAMPLES = """\b
Examples:
  straywatch audit
  straywatch audit --profile prod --fail-on high
  straywatch audit --format json | jq -r '.users[] | select(.status=="stray") | .user_arn'
  straywatch audit --output strays.html
  straywatch audit --role arn:aws:iam::111122223333:role/audit --role arn:aws:iam::444455556666:role/audit
  straywatch audit --exemptions exemptions.json --history

\b
Exit codes: 0 nothing found, 1 strays found (see --fail-on), 2 wrong usage,
3 something could not be read: the report says what, and is not a clean bill.
"""  # noqa: E501 - one command on one line, to be copied


@click.command(epilog=_EXAMPLES)
@click.option(
    "--profile", "profiles", multiple=True, help="Audit this profile's account; repeatable."
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ARN",
    help="Audit the account of this role, assumed with the first --profile or else the default "
    "credentials; repeatable.",
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Default: by FILE's ending, or table."
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE."
)
@click.option(
    "--fail-on",
    type=click.Choice(["never", "stray", *(each.name.lower() for each in Severity)]),
    default="stray",
    show_default=True,
    help="Exit with 1 from this on.",
)
@click.option(
    "--exemptions",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    metavar="FILE",
    help="Configuration with exemptions (JSON).",
)
@click.option("--risk/--no-risk", default=True, show_default=True, help="Judge what strays may do.")
@click.option("--history", is_flag=True, help="Ask CloudTrail for last removals (slow: 2 calls/s).")
@region_and_debug_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    profiles: tuple[str, ...],
    roles: tuple[str, ...],
    form: str | None,
    output: Path | None,
    fail_on: str,
    exemptions: Path | None,
    risk: bool,
    history: bool,
) -> int:
    """List every IAM user: in groups, stray (in no group), or exempt.

    Needs no deployment, only credentials that may call GetAccountAuthorizationDetails and, for
    risk, GenerateCredentialReport and GetCredentialReport. Changes nothing.
    """
    chosen = ctx.find_root().obj
    if not risk and fail_on not in ("never", "stray"):
        raise click.UsageError(f"--fail-on {fail_on} needs the risk that --no-risk leaves out")
    target, form = _where_and_how(output, form)
    rules = read_exemptions(exemptions)[0] if exemptions else Exemptions()
    question = Question(now=datetime.now(UTC), exemptions=rules, risk=risk, history=history)
    entrances = Entrances(profiles, roles, chosen["region"], chosen["profile"])
    report = _ask(entrances, question)
    _publish(report, target, form)
    return _verdict(report, fail_on)


def _where_and_how(path: Path | None, form: str | None) -> tuple[Path | None, str]:
    target = None if path is None or str(path) == "-" else path
    if target is not None:
        check_writable(target)
    ending = target.suffix[1:].lower() if target else ""
    return target, form or (ending if ending in FORMATS else "table")


def _ask(entrances: Entrances, question: Question) -> Report:
    with counting("Reading users") as count, ThreadPoolExecutor(_AT_ONCE) as pool:
        read = partial(_read, question=question, on_users=count)
        accounts = tuple(pool.map(read, list(entrances.open())))
    if not any(each.users for each in accounts) and all(each.missing for each in accounts):
        raise StraywatchError("; ".join(Report(question.now, accounts).missing))
    return Report(question.now, accounts)


def _read(
    entered: Door | AccountResult, question: Question, on_users: Callable[[int], None]
) -> AccountResult:
    return read_account(entered, question, on_users) if isinstance(entered, Door) else entered


def _publish(report: Report, target: Path | None, form: str) -> None:
    if form == "table" and target is None and sys.stdout.isatty():
        table.show(report, sys.stdout)
        return
    # Only the format that is asked for is imported: a page's template engine takes its time.
    render = importlib.import_module(f"straywatch.audit.formats.{form}").render
    write(render(report), target)
    if target is not None:
        click.echo("\n".join([*summary.sentences(report), f"Written to {target}."]), err=True)


def _verdict(report: Report, fail_on: str) -> int:
    if not report.complete:
        first, more = report.missing[:_SAID], len(report.missing) - _SAID
        rest = f"; and {more} more" if more > 0 else ""
        raise StraywatchError(f"incomplete: {'; '.join(first)}{rest}")
    if fail_on == "never":
        return EXIT_FINE
    floor = Severity[fail_on.upper()] if fail_on != "stray" else None
    found = any(
        floor is None or (each.risk and each.risk.severity >= floor) for each in report.strays
    )
    return EXIT_FOUND if found else EXIT_FINE
