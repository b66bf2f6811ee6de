"""The two tables on an AWS in memory: every write is conditional, every read consistent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from chalicelib.adapters.items import to_item
from chalicelib.adapters.tables import MARK_KEPT, FindingsTable, StateTable
from chalicelib.codec import encode
from chalicelib.domain.account import Account
from chalicelib.domain.findings import Finding, Reason, Resolution, resolve, sent
from chalicelib.domain.marks import Mark
from tests.adapters.aws import client
from tests.adapters.stack import create_table
from tests.unit.finding_samples import OPENED
from tests.unit.records import ACCOUNT, NOW, at, event

GRACE = timedelta(minutes=15)
SIX_YEARS = timedelta(days=2190)
MARK = Mark(account=ACCOUNT, user_name="Bob", left_at=at(0), cause=event("CreateUser", 0).cause)
OTHER = Account("aws", "999999999999")


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    """A client and both tables, with the template's keys."""
    with mock_aws():
        made = client("dynamodb")
        create_table(made, "FindingsTable", "findings")
        create_table(made, "StateTable", "state")
        yield made


@pytest.fixture
def findings(dynamodb: Any) -> FindingsTable:
    """The findings."""
    return FindingsTable(dynamodb, "findings", SIX_YEARS)


@pytest.fixture
def state(dynamodb: Any) -> StateTable:
    """The marks."""
    return StateTable(dynamodb, "state", GRACE)


def item(table: FindingsTable | StateTable, pk: str, sk: str) -> dict[str, Any]:
    """An item as it lies in the table."""
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    found: dict[str, Any] = table.client.get_item(TableName=table.table, Key=key)["Item"]
    return found


def ended(finding: Finding) -> Finding:
    """The finding resolved, with all its alerts sent."""
    over = resolve(finding, Resolution(Reason.DELETED), at=at(60), now=at(60))
    return replace(over, outbox=(), claimed_until=None)


# -- findings ----------------------------------------------------------------------------------


def test_a_finding_is_added_once(findings: FindingsTable) -> None:
    """Of two workers that open the same episode one wins, and the other learns of it."""
    assert findings.add(OPENED).name == "DONE"
    assert findings.add(replace(OPENED, risk="other")).name == "CONFLICT"
    assert findings.latest(ACCOUNT, OPENED.user_id) == OPENED


def test_an_update_replaces_the_version_that_was_read(findings: FindingsTable) -> None:
    """Two workers with the same version in hand: the second does not overwrite the first."""
    findings.add(OPENED)
    assert findings.update(sent(OPENED)).name == "DONE"
    assert findings.update(replace(OPENED, risk="late")).name == "CONFLICT"
    assert findings.latest(ACCOUNT, OPENED.user_id) == replace(sent(OPENED), version=2)


def test_a_finding_that_is_gone_is_not_written_again(findings: FindingsTable) -> None:
    """An update creates nothing."""
    assert findings.update(OPENED).name == "CONFLICT"


def test_the_newest_finding_of_a_user_counts(findings: FindingsTable) -> None:
    """Numbers sort as numbers, also past nine."""
    for number in (1, 2, 9, 10, 11):
        findings.add(replace(OPENED, number=number))
    latest = findings.latest(ACCOUNT, OPENED.user_id)
    assert isinstance(latest, Finding)
    assert latest.number == 11


def test_users_and_accounts_do_not_mix(findings: FindingsTable) -> None:
    """The same user id in another account or partition is another user."""
    findings.add(OPENED)
    for account, user_id in (
        (ACCOUNT, "AIDAOTHER"),
        (OTHER, OPENED.user_id),
        (Account("aws-cn", ACCOUNT.account_id), OPENED.user_id),
    ):
        assert not isinstance(findings.latest(account, user_id), Finding)


def test_live_findings_are_the_open_and_the_unsent(findings: FindingsTable) -> None:
    """The sweep reads them by an index; what is resolved and told leaves it."""
    over = replace(OPENED, user_id="AIDA2", outbox=(), claimed_until=None)
    untold = replace(OPENED, user_id="AIDA3")
    elsewhere = replace(OPENED, account=OTHER)
    for finding in (OPENED, over, untold, elsewhere):
        findings.add(finding)
    findings.update(ended(over))
    findings.update(resolve(untold, Resolution(Reason.DELETED), at=at(60), now=at(60)))
    assert {f.user_id for f in findings.live(ACCOUNT)} == {OPENED.user_id, "AIDA3"}


def test_all_pages_of_live_findings_are_read() -> None:
    """A page of DynamoDB ends at a megabyte, and may be empty before the last."""
    dynamodb = client("dynamodb")
    stored = to_item(encode(OPENED))
    with Stubber(dynamodb) as stub:
        stub.add_response("query", {"Items": [], "LastEvaluatedKey": {"pk": {"S": "x"}}})
        stub.add_response("query", {"Items": [stored], "LastEvaluatedKey": {"pk": {"S": "y"}}})
        stub.add_response("query", {"Items": [stored]})
        found = list(FindingsTable(dynamodb, "findings", SIX_YEARS).live(ACCOUNT))
    assert found == [OPENED, OPENED]


def test_an_open_finding_never_expires(findings: FindingsTable) -> None:
    """Evidence of what is not mended stays."""
    findings.add(OPENED)
    assert "expires_at" not in item(findings, f"{ACCOUNT.key}:{OPENED.user_id}", "000001")


def test_a_resolved_finding_expires_years_later(findings: FindingsTable) -> None:
    """Kept for as long as the operator says, six years by default, from its end."""
    findings.add(OPENED)
    findings.update(ended(OPENED))
    stored = item(findings, f"{ACCOUNT.key}:{OPENED.user_id}", "000001")
    assert stored["expires_at"] == {"N": str(int((at(60) + SIX_YEARS).timestamp()))}
    assert "live" not in stored


def test_a_resolved_finding_with_an_unsent_alert_does_not_expire(findings: FindingsTable) -> None:
    """It is still live: somebody is to be told."""
    findings.add(OPENED)
    findings.update(resolve(OPENED, Resolution(Reason.DELETED), at=NOW, now=NOW))
    stored = item(findings, f"{ACCOUNT.key}:{OPENED.user_id}", "000001")
    assert "expires_at" not in stored
    assert stored["live"] == {"S": ACCOUNT.key}


# -- marks -------------------------------------------------------------------------------------


def test_a_name_nobody_told_of_has_a_blank_mark(state: StateTable) -> None:
    """Version 0 says that there is nothing to replace."""
    assert state.mark(ACCOUNT, "bob") == Mark(account=ACCOUNT, user_name="bob")


def test_a_mark_is_found_whatever_the_case(state: StateTable) -> None:
    """IAM tells no names apart by case alone; the spelling that was told is kept."""
    state.write(MARK)
    for name in ("Bob", "bob", "BOB"):
        assert state.mark(ACCOUNT, name) == replace(MARK, version=1)


def test_accounts_have_marks_of_their_own(state: StateTable) -> None:
    """Each account has its own bob."""
    state.write(MARK)
    assert state.mark(OTHER, "bob").left_at is None


def test_two_first_writers_conflict(state: StateTable) -> None:
    """Two events about a new name at once: one wins, the other reads again."""
    assert state.write(MARK).name == "DONE"
    assert state.write(MARK).name == "CONFLICT"


def test_two_writers_of_one_version_conflict(state: StateTable) -> None:
    """The same for every later version."""
    state.write(MARK)
    read = state.mark(ACCOUNT, "bob")
    assert state.write(replace(read, left_at=at(5))).name == "DONE"
    assert state.write(replace(read, left_at=at(9))).name == "CONFLICT"
    assert state.mark(ACCOUNT, "bob").left_at == at(5)


def test_a_mark_that_expired_meanwhile_conflicts(state: StateTable) -> None:
    """DynamoDB may have deleted it between the reading and the writing."""
    assert state.write(replace(MARK, version=3)).name == "CONFLICT"


@pytest.mark.parametrize("news", ["left_at", "settled_at", "seen_at", "deleted_at", "renamed_at"])
def test_a_mark_expires_days_after_its_last_news(state: StateTable, news: str) -> None:
    """It outlasts the grace and the latest delivery of CloudTrail, whatever the news was."""
    instants: dict[str, Any] = {"left_at": at(0), news: at(60)}
    state.write(replace(MARK, **instants))
    expires_at = item(state, ACCOUNT.key, "mark#bob")["expires_at"]
    assert expires_at == {"N": str(int((at(60) + GRACE + MARK_KEPT).timestamp()))}


def test_a_mark_with_an_open_finding_never_expires(state: StateTable) -> None:
    """A later event must know whom to close."""
    state.write(replace(MARK, open_user_ids=("AIDA1",)))
    assert "expires_at" not in item(state, ACCOUNT.key, "mark#bob")


def test_all_marks_of_an_account_and_nothing_else(state: StateTable) -> None:
    """The sweep reads them at once, by name in lower case; documents are no marks."""
    state.write(MARK)
    state.write(replace(MARK, user_name="ann"))
    state.write(replace(MARK, account=OTHER, user_name="eve"))
    state.write_document(ACCOUNT, "sweep", {"at": "x"})
    marks = state.marks(ACCOUNT)
    assert {name: mark.user_name for name, mark in marks.items()} == {"ann": "ann", "bob": "Bob"}


def test_all_pages_of_marks_are_read(state: StateTable) -> None:
    """More marks than fit into one page of a megabyte."""
    cause = replace(event("CreateUser", 0).cause, user_agent="x" * 400_000)
    for number in range(4):
        state.write(replace(MARK, user_name=f"u{number}", cause=cause))
    assert sorted(state.marks(ACCOUNT)) == ["u0", "u1", "u2", "u3"]


def test_documents_are_kept_by_name(state: StateTable) -> None:
    """The last writer's content stands."""
    assert state.document(ACCOUNT, "sweep") == {}
    state.write_document(ACCOUNT, "sweep", {"at": "1"})
    state.write_document(ACCOUNT, "sweep", {"at": "2"})
    assert state.document(ACCOUNT, "sweep")["at"] == "2"


# -- what DynamoDB refuses ---------------------------------------------------------------------


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "AccessDenied"])
def test_any_other_refusal_is_raised(code: str) -> None:
    """Only a lost race is a conflict; a write that failed is never taken for one, or for done."""
    dynamodb = client("dynamodb")
    with Stubber(dynamodb) as stub:
        stub.add_client_error("put_item", code)
        with pytest.raises(ClientError, match=code):
            StateTable(dynamodb, "state", GRACE).write(MARK)
        stub.add_client_error("put_item", code)
        with pytest.raises(ClientError, match=code):
            FindingsTable(dynamodb, "findings", SIX_YEARS).add(OPENED)


def test_reads_are_consistent() -> None:
    """What another function has just written must be seen, or an alert goes out twice."""
    dynamodb = client("dynamodb")
    asked: list[dict[str, Any]] = []
    dynamodb.meta.events.register(
        "provide-client-params.dynamodb.*", lambda params, **_: asked.append(params)
    )
    with Stubber(dynamodb) as stub:
        for call in ("query", "query"):
            stub.add_response(call, {"Items": []})
        stub.add_response("get_item", {})
        FindingsTable(dynamodb, "findings", SIX_YEARS).latest(ACCOUNT, "AIDA1")
        StateTable(dynamodb, "state", GRACE).marks(ACCOUNT)
        StateTable(dynamodb, "state", GRACE).mark(ACCOUNT, "bob")
    assert [params.get("ConsistentRead") for params in asked] == [True, True, True]
