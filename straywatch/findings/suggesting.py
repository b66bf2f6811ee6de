"""Which group the user of an open finding certainly belongs into, by a look at the account now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.findings import Finding
from straywatch.aws.identity import own_account
from straywatch.aws.sessions import AwsContext
from straywatch.errors import StraywatchError, explain
from straywatch.remediation.planning.suggestion import Certain, NotCertain, suggest_group
from straywatch.remediation.reading.account import iam_client
from straywatch.remediation.reading.snapshot import Snapshot, read_snapshot


@dataclass(frozen=True)
class NotLooked:
    """Why the account could not be looked at."""

    reason: str


@dataclass(frozen=True)
class NotAsked:
    """Nobody wants to know."""


Suggestion = Certain | NotCertain | NotLooked | NotAsked


def look_for_group(
    context: AwsContext, finding: Finding, tell: Callable[[str], None]
) -> Certain | NotCertain | NotLooked:
    """Read the finding's account whole, and name the group. A failure is an outcome, no error."""
    try:
        account = own_account(context.session)
        if account != finding.account:
            return NotLooked(f"these credentials are for account {account.account_id}")
        return _suggested(finding, read_snapshot(iam_client(context), account, tell=tell))
    except (BotoCoreError, ClientError) as error:
        return NotLooked(explain(error))
    except StraywatchError as error:
        return NotLooked(str(error))


def _suggested(finding: Finding, snapshot: Snapshot) -> Certain | NotCertain:
    # by id: another user may have the name by now
    user = next((user for user in snapshot.users if user.user_id == finding.user_id), None)
    if user is None:
        return NotCertain("the account has this user no more")
    if user.name != finding.user_name:
        return NotCertain(f"the user is now called {user.name}")
    return suggest_group(user, snapshot)
