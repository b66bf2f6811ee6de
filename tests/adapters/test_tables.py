"""The two tables on an AWS in memory: no write undoes another, every read is consistent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from chalicelib.adapters.items import to_item
from chalicelib.adapters.mark_items import FAR
from chalicelib.adapters.tables import MARK_KEPT, FindingsTable, Ledger, StateTable
from chalicelib.codec import encode
from chalicelib.domain.account import Account
from chalicelib.domain.events import Cause
from chalicelib.domain.facts import (
    MOST_FACTS,
    Asked,
    Fact,
    Mark,
    News,
    Noted,
    surplus,
    told_by,
    with_news,
)
from chalicelib.domain.findings import (
    Finding,
    NoFinding,
    Reason,
    Resolution,
    Write,
    resolve,
    sent,
)
from tests.adapters.aws import client
from tests.adapters.stack import create_table
from tests.unit.finding_samples import OPENED
from tests.unit.records import ACCOUNT, NOW, at, event

GRACE = timedelta(minutes=15)
SIX_YEARS = timedelta(days=2190)
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


def fact(seconds: float, name: str = "RemoveUserFromGroup", **more: Any) -> Fact:
    """What an event about bob tells."""
    ((_, told),) = told_by(event(name, seconds, **more))
    return told


def noted(state: StateTable, *facts: Fact, name: str = "Bob", account: Account = ACCOUNT) -> Mark:
    """Note facts about a name."""
    return state.note(Mark(account=account, user_name=name), News(facts=facts), NOW)


def test_a_name_nobody_told_of_has_a_blank_mark(state: StateTable) -> None:
    """Version 0 says that there is nothing yet."""
    assert state.mark(ACCOUNT, "bob") == Mark(account=ACCOUNT, user_name="bob")


def test_noting_a_fact_returns_all_that_is_known(state: StateTable) -> None:
    """In one call, without a read before: whoever notes it sees what others have noted."""
    first, second = fact(-60), fact(-30, "AddUserToGroup")
    noted(state, first)
    mark = noted(state, second)
    assert mark.facts == (first, second)
    assert state.mark(ACCOUNT, "Bob") == mark


def test_noting_a_fact_again_changes_nothing_about_it(state: StateTable) -> None:
    """EventBridge delivers at least once, and CloudTrail's trails record one call twice."""
    for _ in range(2):
        mark = noted(state, fact(-60))
    assert mark.facts == (fact(-60),)


def test_all_that_a_mark_holds_is_read_back(state: StateTable) -> None:
    """Facts, findings, checks on their way, and what was told of flapping."""
    news = News(
        facts=(fact(-60), fact(-50, "CreateUser"), fact(-40, "DeleteUser")),
        noted=(Noted("AIDA1", 3, at(-9)), Noted("AIDA2", 1, at(-8))),
        asked=(Asked(at(-60), at(840)),),
        flapping_told_at=at(-1),
    )
    blank = Mark(account=ACCOUNT, user_name="bob")
    assert state.note(blank, news, NOW) == with_news(blank, news)
    gone = News(forgotten=(fact(-60).id,), over=("AIDA1",))
    mark = state.note(state.mark(ACCOUNT, "bob"), gone, NOW)
    assert mark == with_news(with_news(blank, news), gone)


def test_a_mark_is_found_whatever_the_case(state: StateTable) -> None:
    """IAM tells no names apart by case alone."""
    noted(state, fact(-60))
    for name in ("Bob", "bob", "BOB"):
        assert state.mark(ACCOUNT, name).facts == (fact(-60),)


def test_accounts_have_marks_of_their_own(state: StateTable) -> None:
    """Each account has its own bob."""
    noted(state, fact(-60))
    assert state.mark(OTHER, "bob").facts == ()


EXPIRY = {"N": str(int((NOW + GRACE + MARK_KEPT).timestamp()))}
NEVER = {"N": str(FAR)}


def test_a_mark_expires_days_after_its_last_news(state: StateTable) -> None:
    """It outlasts the grace and the latest delivery of CloudTrail."""
    noted(state, fact(-60))
    assert item(state, ACCOUNT.key, "mark#bob")["expires_at"] == EXPIRY


def test_a_mark_with_an_open_finding_never_expires(state: StateTable) -> None:
    """A later event must know whom to close; once all is over it may go."""
    blank = Mark(account=ACCOUNT, user_name="bob")
    both = News(noted=(Noted("AIDA1", 1, NOW), Noted("AIDA2", 1, NOW)))
    state.note(blank, both, NOW)
    noted(state, fact(-60))
    for over, expiry in (("AIDA1", NEVER), ("AIDA2", EXPIRY)):
        assert item(state, ACCOUNT.key, "mark#bob")["expires_at"] == NEVER
        state.note(state.mark(ACCOUNT, "bob"), News(over=(over,)), NOW)
        assert item(state, ACCOUNT.key, "mark#bob")["expires_at"] == expiry
    noted(state, fact(-30))
    assert item(state, ACCOUNT.key, "mark#bob")["expires_at"] == EXPIRY


def test_findings_that_the_version_before_noted_are_let_go_one_by_one(state: StateTable) -> None:
    """They stand in one list, and without a number."""
    before = {"account": encode(ACCOUNT), "user_name": "bob", "open_user_ids": ["AIDA1", "AIDA2"]}
    state.write_document(ACCOUNT, "mark#bob", {**before, "version": 4})
    mark = state.note(state.mark(ACCOUNT, "bob"), News(over=("AIDA1",)), NOW)
    assert [n.user_id for n in mark.noted] == ["AIDA2"]
    assert state.note(mark, News(over=("AIDA2",)), NOW).noted == ()


def test_all_marks_of_an_account_and_nothing_else(state: StateTable) -> None:
    """The sweep reads them at once, by name in lower case; documents are no marks."""
    noted(state, fact(0))
    noted(state, fact(0), name="ann")
    noted(state, fact(0), name="eve", account=OTHER)
    state.write_document(ACCOUNT, "sweep", {"at": "x"})
    marks = state.marks(ACCOUNT)
    assert {name: mark.user_name for name, mark in marks.items()} == {"ann": "ann", "bob": "Bob"}


def test_all_pages_of_marks_are_read(state: StateTable) -> None:
    """More marks than fit into one page of a megabyte."""
    cause = replace(event("CreateUser", 0).cause, user_agent="x" * 390_000)
    for number in range(4):
        noted(state, replace(fact(0), cause=cause), name=f"u{number}")
    assert sorted(state.marks(ACCOUNT)) == ["u0", "u1", "u2", "u3"]


def test_the_largest_mark_fits_into_an_item() -> None:
    """400 KB, whatever others write into user agents: what no reading needs goes first."""
    texts = [field.name for field in fields(Cause) if field.name != "event_time"]
    hostile = Cause(event_time=NOW, **dict.fromkeys(texts, "\U0001f600" * 512))
    mark, largest = Mark(account=ACCOUNT, user_name="b" * 128), 0
    left = replace(fact(0, group="g" * 128), cause=hostile)
    with_cause, without = (size(f) for f in (left, replace(left, cause=None)))
    for number in range(MOST_FACTS + 20):
        more = replace(left, id=f"{number:064d}", at=at(number))
        mark = with_news(mark, News(facts=(more,)))
        largest = max(largest, sum(with_cause if f.cause else without for f in mark.facts))
        mark = with_news(mark, surplus(mark))
    assert largest < 400 * 1024


def size(fact: Fact) -> int:
    """How many bytes a fact takes in an item, at most: its JSON has quotes on top."""
    return len(json.dumps(to_item(encode(fact)), ensure_ascii=False).encode())


def test_an_update_that_meets_a_transaction_is_made_again() -> None:
    """DynamoDB refuses it while another worker writes the item together with a finding."""
    dynamodb = client("dynamodb")
    found = to_item({"account": encode(ACCOUNT), "user_name": "bob", "version": 1})
    with Stubber(dynamodb) as stub:
        stub.add_client_error("update_item", "TransactionConflictException")
        stub.add_response("update_item", {"Attributes": found})
        assert noted(StateTable(dynamodb, "state", GRACE)).version == 1
        for _ in range(4):
            stub.add_client_error("update_item", "TransactionConflictException")
        with pytest.raises(ClientError):
            noted(StateTable(dynamodb, "state", GRACE))


# -- both at once ------------------------------------------------------------------------------


@pytest.fixture
def ledger(findings: FindingsTable, state: StateTable) -> Ledger:
    """Both tables."""
    return Ledger(findings, state)


NOTE = News(noted=(Noted(OPENED.user_id, 1, NOW),))


def test_a_finding_opens_with_its_note(ledger: Ledger) -> None:
    """At once or not at all: a later event knows whom to close."""
    mark = noted(ledger.state, fact(-900))
    assert ledger.add(OPENED, mark, NOTE, NOW) is Write.DONE
    assert ledger.latest(ACCOUNT, OPENED.user_id) == OPENED
    assert ledger.mark(ACCOUNT, "bob").noted == NOTE.noted
    assert ledger.add(OPENED, ledger.mark(ACCOUNT, "bob"), NOTE, NOW) is Write.CONFLICT


@pytest.mark.parametrize("known", [True, False])
def test_no_finding_opens_when_news_came_since_the_mark_was_read(
    ledger: Ledger, *, known: bool
) -> None:
    """The user may have joined a group in that moment."""
    mark = noted(ledger.state, fact(-900)) if known else ledger.mark(ACCOUNT, "Bob")
    noted(ledger.state, fact(-1, "AddUserToGroup"))
    assert ledger.add(OPENED, mark, NOTE, NOW) is Write.CONFLICT
    assert ledger.latest(ACCOUNT, OPENED.user_id) == NoFinding()
    assert ledger.mark(ACCOUNT, "bob").noted == ()


def test_a_finding_ends_with_its_note(ledger: Ledger) -> None:
    """Unless news came since the mark was read, by which it may be another's episode."""
    mark = noted(ledger.state, fact(-900))
    ledger.add(OPENED, mark, NOTE, NOW)
    over = News(over=(OPENED.user_id,))
    assert ledger.update(ended(OPENED), mark, over) is Write.CONFLICT
    assert ledger.update(ended(OPENED), ledger.mark(ACCOUNT, "bob"), over) is Write.DONE
    assert ledger.mark(ACCOUNT, "bob").noted == ()
    assert ledger.update(ended(OPENED)) is Write.CONFLICT
    assert ledger.update(ended(replace(OPENED, version=2))) is Write.DONE


def test_a_mark_and_findings_are_read_in_one_call(ledger: Ledger) -> None:
    """What is not there is told, too; what is no finding's id is passed over."""
    mark = noted(ledger.state, fact(-900))
    ledger.add(OPENED, mark, NOTE, NOW)
    other = f"{ACCOUNT.key}:AIDAOTHER:1"
    calls: list[str] = []
    ledger.state.client.meta.events.register(
        "before-call.dynamodb", lambda model, **_: calls.append(model.name)
    )
    found, findings = ledger.read(ACCOUNT, "bob", (OPENED.finding_id, other, "nonsense"))
    assert (found.facts, found.noted) == (mark.facts, NOTE.noted)
    assert findings == {OPENED.finding_id: OPENED, other: NoFinding()}
    assert ledger.read(ACCOUNT, "bob", ())[0] == found
    assert calls == ["BatchGetItem", "GetItem"]


def test_what_a_batch_leaves_is_asked_for_again() -> None:
    """What DynamoDB had no time for is not "none"."""
    dynamodb = client("dynamodb")
    left = {"findings": {"Keys": [{"pk": {"S": "x"}}], "ConsistentRead": True}}
    with Stubber(dynamodb) as stub:
        stub.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": left})
        stub.add_response("batch_get_item", {"Responses": {"findings": [to_item(encode(OPENED))]}})
        both = Ledger(
            FindingsTable(dynamodb, "findings", SIX_YEARS), StateTable(dynamodb, "state", GRACE)
        )
        assert both.read(ACCOUNT, "bob", (OPENED.finding_id,))[1] == {OPENED.finding_id: OPENED}


@pytest.mark.parametrize(
    ("code", "lost"),
    [
        ("ConditionalCheckFailed", True),
        ("TransactionConflict", True),
        ("ThrottlingError", False),
        ("ValidationError", False),
    ],
)
def test_only_a_lost_race_cancels_quietly(code: str, *, lost: bool) -> None:
    """Whatever else cancels a transaction is raised: it is neither done nor lost to another."""
    dynamodb = client("dynamodb")
    both = Ledger(
        FindingsTable(dynamodb, "findings", SIX_YEARS), StateTable(dynamodb, "state", GRACE)
    )
    reasons = {"CancellationReasons": [{"Code": "None"}, {"Code": code}]}
    with Stubber(dynamodb) as stub:
        stub.add_client_error(
            "transact_write_items", "TransactionCanceledException", modeled_fields=reasons
        )
        mark = Mark(account=ACCOUNT, user_name="bob")
        if lost:
            assert both.add(OPENED, mark, NOTE, NOW) is Write.CONFLICT
        else:
            with pytest.raises(ClientError):
                both.add(OPENED, mark, NOTE, NOW)


# -- documents ---------------------------------------------------------------------------------


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
        stub.add_client_error("update_item", code)
        with pytest.raises(ClientError, match=code):
            noted(StateTable(dynamodb, "state", GRACE))
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
