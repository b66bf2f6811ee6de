"""`straywatch plan`: propose groups for strays, or for users with direct policies."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from chalicelib.domain.exemptions import Exemptions
from straywatch.errors import EXIT_FINE, EXIT_FOUND
from straywatch.remediation.applying.application import plan_digest
from straywatch.remediation.files.planfile import dump_plan, plan_data
from straywatch.remediation.planning.explain import some
from straywatch.remediation.planning.plan import Options, Plan
from straywatch.remediation.planning.planner import make_plan
from straywatch.remediation.printing import print_table, say, write
from straywatch.remediation.reading.account import iam_client, snapshot_of
from straywatch.remediation.reading.credentials import read_credentials
from straywatch.terminal.exemptions_file import read_exemptions
from straywatch.terminal.files import check_writable
from straywatch.terminal.options import aws_context, aws_options, format_option
from straywatch.terminal.progress import StepLines

_EXAMPLES = """\b
Examples:
  straywatch plan
  straywatch plan --scope direct --max-gain 2 -o plan.yaml
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--scope", type=click.Choice(["strays", "direct"]), default="strays", show_default=True
)
@click.option(
    "--max-gain",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Actions a user may gain, each on one resource: policies and wildcards count for all that "
    "they grant. What makes an administrator, or a way to become one, is never gained.",
)
@click.option(
    "--min-members",
    type=click.IntRange(min=1),
    help="Users a new group must serve; what fewer share stays direct, if they share anything "
    "else. Default: 2, or one in a thousand; 1 with --scope direct.",
)
@click.option("--prefix", default="access-", show_default=True, help="How new groups' names begin.")
@click.option("--path", default="/", show_default=True, help="The new groups' path.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Users to leave out, as user-*.")
@click.option(
    "--exemptions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Configuration with exemptions (JSON). Exempt users are left alone, as by tag.",
)
@click.option(
    "--no-credential-report", is_flag=True, help="Do not look for users who are better deleted."
)
@format_option("table", "json", "yaml")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write the plan file (YAML) here.")  # fmt: skip
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    scope: Any,  # noqa: ANN401 - click gives one of the two choices
    max_gain: int,
    min_members: int | None,
    prefix: str,
    path: str,
    exclude: tuple[str, ...],
    exemptions: Path | None,
    no_credential_report: bool,
    form: str,
    output: Path | None,
) -> int:
    """Propose groups from one snapshot: the fewest by which nobody gains more than allowed.

    Changes nothing. Exit code 0: nothing to do; 1: there is something to do.
    """
    if output is not None:
        check_writable(output)
    rules = read_exemptions(exemptions)[0] if exemptions else Exemptions()
    tell = StepLines()
    context = aws_context(ctx)
    iam = iam_client(context)
    snapshot = snapshot_of(context, iam, tell)
    credentials = None if no_credential_report else read_credentials(iam, time.sleep, tell)
    options = Options(scope, max_gain, min_members, prefix, path, exclude, rules)
    tell(f"planning for {len(snapshot.users)} users")
    plan = make_plan(snapshot, options, credentials)
    text = dump_plan(plan)
    if output is not None:
        write(text, output)
    _print(plan, form)
    if output is not None and form == "table":
        say(f"digest {plan_digest(text)}")
    if credentials is not None and form == "table":
        say(_age_words(credentials.generated_at, datetime.now(UTC)))
    return EXIT_FOUND if plan.users or plan.proposals else EXIT_FINE


def _age_words(made: datetime, now: datetime) -> str:
    """The report's age stays out of the plan file, which is the same for the same account."""
    minutes = max(0, int((now - made).total_seconds() // 60))
    return f"credentials as of {made:%Y-%m-%d %H:%M} UTC, {minutes // 60} h {minutes % 60} min ago"


def _print(plan: Plan, form: str) -> None:
    if form == "yaml":
        write(dump_plan(plan), None)
    elif form == "json":
        write(json.dumps(plan_data(plan), indent=2) + "\n", None)
    else:
        _tables(plan)


def _tables(plan: Plan) -> None:
    members = {group.name: 0 for group in plan.groups}
    for user in plan.users:
        for name in user.join:
            members[name] += 1
    print_table(
        "Groups",
        ("group", "", "policies", "users", "why"),
        (
            (g.name, "new" if g.create else "exists",
             len(g.attach) + len(g.inline) if g.create else "", members[g.name], g.why)
            for g in plan.groups
        ),
    )  # fmt: skip
    print_table(
        "Users",
        ("user", "joins", "replaces", "stays direct", "gains", "loses"),
        (
            (u.name, ", ".join(u.join), ", ".join((*u.detach, *u.delete_inline)),
             ", ".join(u.stays), some(u.gains) or "nothing", "nothing")
            for u in plan.users
        ),
    )  # fmt: skip
    print_table(
        "Better not put into a group",
        ("user", "proposal", "why"),
        ((p.name, p.proposal, p.why) for p in plan.proposals),
    )
    say(_summary(plan))
    for note in plan.notes:
        say(note)


def _summary(plan: Plan) -> str:
    if not plan.users and not plan.proposals:
        return "nothing to do"
    new = len(plan.new_groups)
    words = (
        f"{len(plan.users)} users, {new} new groups, {len(plan.groups) - new} existing ones used"
    )
    if new and plan.at_least == new:
        words += f"; proved: no plan that moves the same goes with fewer than {new}"
    elif plan.at_least:
        words += f"; proved: no plan that moves the same goes with fewer than {plan.at_least}"
    return words
