"""The sweep as it is wired: what events lose, one snapshot finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from chalicelib.adapters.authorization_details import UnreadableUsersError
from chalicelib.domain.account import Account, Page, User
from chalicelib.flows.sweep import RESERVE_SECONDS, Sweep, SweepResult
from tests.adapters.aws import client
from tests.adapters.stack import Stack, aws_in_memory
from tests.unit.records import ACCOUNT_ID, at, envelope, record

GRACE = 900
HOUR = 3600
ACCOUNT = Account("aws", ACCOUNT_ID)
LONG_AGO = at(-(10**6))


@pytest.fixture
def stack() -> Iterator[Stack]:
    """All resources, and a clock that stands at noon."""
    with aws_in_memory() as made:
        client("iam").create_group(GroupName="nurses")
        yield made


def cold(stack: Stack) -> Sweep:
    """The sweep of a function that has just started, with all the time in the world."""
    return stack.deployment().sweep(lambda: 900.0)


def swept(stack: Stack) -> SweepResult:
    """Sweep the account."""
    return cold(stack).run(ACCOUNT)


def checked(stack: Stack) -> list[str]:
    """Take what is in the check queue."""
    check = stack.deployment().check
    return [check(body) for body in stack.queued()]


def join(name: str) -> None:
    """Put a user in a group; no event of it arrives."""
    client("iam").add_user_to_group(UserName=name, GroupName="nurses")


def leave(name: str) -> None:
    """Take a user out of its group; no event of it arrives."""
    client("iam").remove_user_from_group(UserName=name, GroupName="nurses")


def test_strays_from_before_the_first_sweep_are_told_at_once(stack: Stack) -> None:
    """A new deployment reports what it finds, and calls none of it a missed event."""
    stack.create_user("old", LONG_AGO)
    stack.create_user("fine", LONG_AGO)
    join("fine")
    result = swept(stack)
    assert (result.complete, result.users, result.compliant, result.strays) == (True, 2, 1, 1)
    (alert,) = stack.alerts()
    assert (alert["type"], alert["finding"]["user_name"]) == ("opened", "old")
    assert (alert["finding"]["detected_by"], alert["cause"]) == ("sweep", None)
    stack.clock.advance(HOUR)
    assert swept(stack).missed_events == 0


def test_a_sweep_gives_a_new_user_its_grace(stack: Stack) -> None:
    """Seen a minute after its creation, whose event was lost: a check is asked for, no alert."""
    stack.create_user("new", at(-60))
    assert swept(stack).opened == 0
    assert stack.alerts() == []
    stack.clock.advance(GRACE - 61)
    assert checked(stack) == ["waiting"]
    stack.clock.advance(2)
    assert checked(stack) == ["NON_COMPLIANT"]
    assert stack.told() == [("opened", "new")]


def test_a_removal_whose_event_was_lost_counts_from_the_first_sighting(stack: Stack) -> None:
    """Nobody can tell when it happened, so the grace begins when the sweep sees it."""
    stack.create_user("bob", LONG_AGO)
    join("bob")
    swept(stack)
    leave("bob")
    stack.clock.advance(HOUR)
    assert swept(stack).opened == 0
    bodies = stack.queued()
    stack.clock.advance(GRACE)
    check = stack.deployment().check
    assert [check(body) for body in bodies] == ["NON_COMPLIANT"]
    (alert,) = stack.alerts()
    assert alert["finding"]["evidence"] == "sighting"


def test_a_stray_that_has_just_joined_is_looked_at_again_and_remembered(stack: Stack) -> None:
    """IAM may show what was before the joining, or a leaving of which nobody tells."""
    stack.create_user("bob", LONG_AGO)
    joins = record("AddUserToGroup", eventTime=at(-1).isoformat())
    stack.deployment().receive(envelope(joins))
    assert swept(stack).opened == 0
    stack.clock.advance(4)
    assert checked(stack) == ["waiting"]
    stack.clock.advance(GRACE)
    assert swept(stack).opened == 1


def test_repeated_sweeps_ask_for_one_check(stack: Stack) -> None:
    """A grace of days is not asked about anew each hour."""
    stack.create_user("new", at(-60))
    swept(stack)
    stack.clock.advance(60)
    swept(stack)
    assert len(stack.queued()) == 1


def opened(stack: Stack, name: str = "bob") -> None:
    """A finding is open on the user, and its alert has been read."""
    stack.create_user(name, LONG_AGO)
    swept(stack)
    stack.queued()
    assert ("opened", name) in stack.told()


def resolution(stack: Stack) -> dict[str, Any]:
    """Why the only new alert says that its finding is over."""
    (alert,) = stack.alerts()
    assert alert["type"] == "resolved"
    found: dict[str, Any] = alert["finding"]["resolution"]
    return found


def test_who_joined_unheard_is_resolved_by_the_sweep(stack: Stack) -> None:
    """The resolution names the group."""
    opened(stack)
    join("bob")
    stack.clock.advance(HOUR)
    swept(stack)
    found = resolution(stack)
    assert (found["reason"], found["cause"]) == ("joined_group", None)
    swept(stack)
    assert stack.alerts() == []


def test_who_was_deleted_unheard_is_resolved_by_the_sweep(stack: Stack) -> None:
    """Once, and only after a whole snapshot did not show it."""
    opened(stack)
    client("iam").delete_user(UserName="bob")
    stack.clock.advance(HOUR)
    assert swept(stack).gone == 1
    assert resolution(stack)["reason"] == "deleted"


@pytest.mark.parametrize(("left", "status"), [(900.0, "RESOLVED"), (RESERVE_SECONDS, "OPEN")])
def test_whom_two_snapshots_did_not_show_is_gone_if_a_lag_lies_between(
    stack: Stack, left: float, status: str
) -> None:
    """Who was renamed just before the sweep may be in neither of two that follow at once."""
    opened(stack)
    stack.clock.advance(HOUR)
    sweep, asked = cold(stack), list[datetime]()

    def pages(_: str | None, __: int) -> Iterator[Page]:
        asked.append(stack.clock())
        yield Page((), None)

    replace(sweep, pages=pages, time_left=lambda: left).run(ACCOUNT)
    lags = [later - earlier for earlier, later in pairwise(asked)]
    assert lags == ([sweep.inquiry.rules.iam_lag] if status == "RESOLVED" else [])
    assert len(list(sweep.findings.live(ACCOUNT))) == (status == "OPEN")


def test_who_was_exempted_is_resolved_with_reason_and_end(stack: Stack) -> None:
    """A tag exempts; the resolution says by what and until when."""
    opened(stack)
    tags = {"straywatch:exempt": "robot", "straywatch:exempt-until": "2199-01-01"}
    client("iam").tag_user(UserName="bob", Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    stack.clock.advance(HOUR)
    assert swept(stack).exempt == 1
    found = resolution(stack)
    assert (found["reason"], found["exempted_until"]) == ("exempted", "2199-01-02T00:00:00Z")


def test_a_rename_makes_no_second_finding(stack: Stack) -> None:
    """The finding goes by the user's id; its name follows."""
    opened(stack)
    client("iam").update_user(UserName="bob", NewUserName="robert")
    stack.clock.advance(HOUR)
    swept(stack)
    assert stack.alerts() == []
    (finding,) = cold(stack).findings.live(ACCOUNT)
    assert finding.user_name == "robert"


def test_a_snapshot_that_breaks_changes_nothing_for_users_it_did_not_show(stack: Stack) -> None:
    """Half a page is no evidence that the other half is gone."""
    opened(stack)
    sweep = cold(stack)

    def broken(_: str | None, __: int) -> Iterator[Page]:
        yield Page((), "more")
        raise UnreadableUsersError("the second page broke")

    with pytest.raises(UnreadableUsersError):
        replace(sweep, pages=broken).run(ACCOUNT)
    assert stack.alerts() == []
    assert [finding.status for finding in sweep.findings.live(ACCOUNT)] == ["OPEN"]


def test_a_sweep_out_of_time_goes_on_where_it_stopped(stack: Stack) -> None:
    """The second run begins with the page that the first one could not finish."""
    for name in ("ann", "bob"):
        stack.create_user(name, LONG_AGO)
    sweep = cold(stack)
    first, second = (user for page in sweep.pages(None, 1000) for user in page.users)
    asked: list[str | None] = []

    def pages(marker: str | None, _: int) -> Iterator[Page]:
        asked.append(marker)
        if marker is None:
            yield Page((first,), "2")
        yield Page((second,), None)

    times = iter([900.0, RESERVE_SECONDS - 1])
    cut = replace(sweep, pages=pages, time_left=lambda: next(times, 900.0)).run(ACCOUNT)
    assert (cut.complete, cut.users) == (False, 1)
    whole = replace(sweep, pages=pages).run(ACCOUNT)
    assert (whole.complete, whole.users) == (True, 2)
    assert asked == [None, "2"]


class Pages:
    """An account of two pages, of which IAM refuses the second one's marker `refused` times."""

    def __init__(self, *users: User, refused: int = 0) -> None:
        self.users = users
        self.refused = refused
        self.asked: list[str | None] = []

    def __call__(self, marker: str | None, _: int) -> Iterator[Page]:
        """Yield the pages from a marker on."""
        self.asked.append(marker)
        if marker is None:
            yield Page(self.users[:1], "2")
        elif self.refused:
            self.refused -= 1
            raise UnreadableUsersError("the marker is not valid")
        yield Page(self.users[1:], None)


def cut_short(stack: Stack, pages: Pages) -> Sweep:
    """A sweep that has stopped before the second page, ready to go on."""
    sweep = replace(cold(stack), pages=pages)
    times = iter([900.0, RESERVE_SECONDS - 1])
    assert not replace(sweep, time_left=lambda: next(times, 900.0)).run(ACCOUNT).complete
    return sweep


def two_users(stack: Stack) -> Sequence[User]:
    """Two users who are no strays."""
    for name in ("ann", "bob"):
        stack.create_user(name, LONG_AGO)
        join(name)
    return [user for page in cold(stack).pages(None, 1000) for user in page.users]


def test_a_marker_that_iam_refuses_is_not_tried_again(stack: Stack) -> None:
    """The sweep that meets it fails; the one after it begins with the first page."""
    pages = Pages(*two_users(stack), refused=1)
    sweep = cut_short(stack, pages)
    with pytest.raises(UnreadableUsersError):
        sweep.run(ACCOUNT)
    assert sweep.run(ACCOUNT).users == 2
    assert pages.asked == [None, "2", None]


@pytest.mark.parametrize(("hours", "asked"), [(5.99, "2"), (6, None)])
def test_a_sweep_that_stopped_long_ago_begins_anew(
    stack: Stack, hours: float, asked: str | None
) -> None:
    """IAM promises nothing of how long a marker lasts, and what was seen by then has grown old."""
    pages = Pages(*two_users(stack))
    sweep = cut_short(stack, pages)
    stack.clock.advance(hours * HOUR)
    assert sweep.run(ACCOUNT).complete
    assert pages.asked == [None, asked]


def digests(stack: Stack) -> list[tuple[str, int]]:
    """What each digest was of, and how many were open in it."""
    told = [alert["digest"] for alert in stack.alerts() if alert["type"] == "digest"]
    return [(digest["of"], digest["open"]) for digest in told]


def test_a_flood_reminds_escalates_and_ends_in_digests(stack: Stack) -> None:
    """One message for all at each turn, which says what it is about."""
    names = [f"user-{number}" for number in range(11)]
    for name in names:
        stack.create_user(name, LONG_AGO)
    swept(stack)
    assert digests(stack) == [("opened", 11)]
    stack.clock.advance(24 * HOUR)
    swept(stack)
    assert digests(stack) == [("reminder", 11)]
    stack.clock.advance(48 * HOUR)
    swept(stack)
    assert digests(stack) == [("escalated", 11)]
    for name in names:
        join(name)
    stack.clock.advance(HOUR)
    swept(stack)
    assert digests(stack) == [("opened", 0), ("escalated", 0)]
    stack.clock.advance(HOUR)
    swept(stack)
    assert digests(stack) == []


def test_one_of_a_flood_that_escalates_is_told_of_by_itself(stack: Stack) -> None:
    """Who knew it from a digest alone hears of it now, and of its end, too."""
    for number in range(11):
        stack.create_user(f"user-{number}", LONG_AGO)
    swept(stack)
    for number in range(1, 11):
        join(f"user-{number}")
    stack.clock.advance(HOUR)
    swept(stack)
    stack.alerts()
    stack.clock.advance(72 * HOUR)
    swept(stack)
    assert audiences(stack) == [("escalated", "all"), ("digest", "people")]
    join("user-0")
    stack.clock.advance(HOUR)
    swept(stack)
    assert audiences(stack) == [("resolved", "all")]


def audiences(stack: Stack) -> list[tuple[str, str]]:
    """Every message, and whom it was for."""
    return [(alert["type"], alert["audience"]) for alert in stack.alerts()]


def test_missed_events_raise_an_alert(stack: Stack) -> None:
    """The monitor that watches notices when it has gone blind."""
    swept(stack)
    for name in ("ann", "bob", "cid"):
        stack.create_user(name, at(60))
    stack.clock.advance(HOUR)
    assert swept(stack).opened == 3
    stack.clock.advance(HOUR)
    stack.alerts()
    assert swept(stack).missed_events == 3
    assert [alert["type"] for alert in stack.alerts()] == ["health"]


def test_an_event_that_did_come_is_none_that_was_missed(stack: Stack) -> None:
    """A stray that the sweep opens although its event came was only slow."""
    swept(stack)
    stack.create_user("bob", at(60))
    stack.clock.advance(HOUR)
    told = {"user": {"userId": client("iam").get_user(UserName="bob")["User"]["UserId"]}}
    detail = record("CreateUser", eventTime=at(60).isoformat(), responseElements=told)
    stack.deployment().receive(envelope(detail))
    assert swept(stack).opened == 1
    stack.clock.advance(HOUR)
    assert swept(stack).missed_events == 0


def test_time_brings_reminders_and_an_escalation(stack: Stack) -> None:
    """A reminder a day, three at most; after three days the severity goes up, once."""
    opened(stack)
    told = []
    for _ in range(5):
        stack.clock.advance(24 * HOUR)
        swept(stack)
        told += [alert["type"] for alert in stack.alerts()]
    assert told == ["reminder", "reminder", "escalated", "reminder"]


def test_who_was_graded_in_the_dark_is_graded_again(stack: Stack) -> None:
    """What cannot be read counts as the worst; once it is known, the next alert says so."""
    for name in ("ann", "bob"):
        stack.create_user(name, LONG_AGO)
    dark = stack.deployment(refusing={"GenerateCredentialReport": "AccessDenied"})
    dark.sweep(lambda: 900.0).run(ACCOUNT)
    assert grades(stack) == ["MEDIUM"] * 2
    stack.alerts()
    stack.clock.advance(HOUR)
    swept(stack)
    assert grades(stack) == ["LOW"] * 2
    assert stack.alerts() == []
    stack.clock.advance(24 * HOUR)
    swept(stack)
    assert [alert["finding"]["severity"] for alert in stack.alerts()] == ["LOW"] * 2


def test_whom_an_earlier_run_saw_is_graded_and_reminded_of_as_well(stack: Stack) -> None:
    """A sweep of two runs: what falls due for the users of the first one falls due at its end."""
    for name in ("ann", "bob"):
        stack.create_user(name, LONG_AGO)
    dark = stack.deployment(refusing={"GenerateCredentialReport": "AccessDenied"})
    dark.sweep(lambda: 900.0).run(ACCOUNT)
    stack.clock.advance(24 * HOUR)
    stack.alerts()
    pages = Pages(*(user for page in cold(stack).pages(None, 1000) for user in page.users))
    assert cut_short(stack, pages).run(ACCOUNT).complete
    told = [(alert["type"], alert["finding"]["severity"]) for alert in stack.alerts()]
    assert told == [("reminder", "LOW")] * 2


def grades(stack: Stack) -> list[str]:
    """How bad the open findings are."""
    return [finding.severity.name for finding in cold(stack).findings.live(ACCOUNT)]


def test_grading_again_stops_in_time(stack: Stack) -> None:
    """Without time left the grades stay for the next sweep; all else is done as ever."""
    stack.create_user("bob", LONG_AGO)
    refused = dict.fromkeys(("ListAccessKeys", "GetLoginProfile"), "AccessDenied")
    stack.deployment(refusing=refused).sweep(lambda: 900.0).run(ACCOUNT)
    times = iter([900.0])
    late = replace(cold(stack), time_left=lambda: next(times, RESERVE_SECONDS - 1))
    assert late.run(ACCOUNT).complete
    assert grades(stack) == ["MEDIUM"]


def test_a_whole_sweep_leaves_evidence_of_itself(stack: Stack) -> None:
    """One item for each sweep, so that a report can prove coverage."""
    swept(stack)
    table = stack.environment["FINDINGS_TABLE"]
    key = {":pk": {"S": f"{ACCOUNT.key}:sweeps"}}
    items = client("dynamodb").query(
        TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=key
    )["Items"]
    assert [item["complete"]["BOOL"] for item in items] == [True]


def test_many_strays_cost_a_handful_of_calls(stack: Stack) -> None:
    """One page, one credential report: the calls do not grow with the strays."""
    for number in range(30):
        stack.create_user(f"user-{number}", LONG_AGO)
    deployment = stack.deployment()
    calls: list[str] = []
    for iam in (deployment.clients.iam(), deployment.clients.patient_iam()):
        iam.meta.events.register("before-call.iam", lambda model, **_: calls.append(model.name))
    assert deployment.sweep(lambda: 900.0).run(ACCOUNT).opened == 30
    reads = [call for call in calls if call != "ListAccountAliases"]
    assert sorted(set(reads)) == [
        "GenerateCredentialReport",
        "GetAccountAuthorizationDetails",
        "GetCredentialReport",
    ]
    assert len(calls) <= 6
