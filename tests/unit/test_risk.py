"""The severity of a stray, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.risk import AccessKey, Facts, assess
from chalicelib.domain.severity import Severity

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ME = "arn:aws:iam::123456789012:user/ann"
READ = {"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}
ADMIN = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
ESCALATES = {"Statement": {"Effect": "Allow", "Action": "iam:Put*", "Resource": "*"}}
BROKEN = {"Statement": "no"}
LOCAL = "arn:aws:iam::123456789012:policy/local"
FULL = "arn:aws-cn:iam::aws:policy/AdministratorAccess"
NEW_KEY = AccessKey(active=True, created_at=NOW - timedelta(days=3), last_used_at=NOW)
OLD_KEY = AccessKey(active=True, created_at=NOW - timedelta(days=400))
IDLE_KEY = AccessKey(active=False, created_at=NOW - timedelta(days=400))
BARE = Facts(ME, inline={}, attached=(), keys=(), console_password=False, mfa=False)

PERMISSIONS = {
    "none": BARE,
    "some": replace(BARE, inline={"p": READ}),
    "unread": replace(BARE, attached=(LOCAL,)),
    "admin": replace(BARE, inline={"p": ADMIN}),
}
CREDENTIALS = {
    "none": {"keys": (IDLE_KEY,)},
    "guarded": {"keys": (NEW_KEY,), "console_password": True, "mfa": True},
    "exposed": {"console_password": True},
}


@pytest.mark.parametrize(
    ("permissions", "credentials", "severity"),
    [
        ("none", "none", "LOW"),
        ("none", "guarded", "MEDIUM"),
        ("none", "exposed", "MEDIUM"),
        ("some", "none", "MEDIUM"),
        ("some", "guarded", "MEDIUM"),
        ("some", "exposed", "HIGH"),
        ("unread", "none", "MEDIUM"),
        ("unread", "guarded", "HIGH"),
        ("unread", "exposed", "HIGH"),
        ("admin", "none", "HIGH"),
        ("admin", "guarded", "CRITICAL"),
        ("admin", "exposed", "CRITICAL"),
    ],
)
def test_the_severity_table(permissions: str, credentials: str, severity: str) -> None:
    """Every cell of the documented table."""
    facts = replace(PERMISSIONS[permissions], **CREDENTIALS[credentials])  # type: ignore[arg-type] # the table's values fit
    assert assess(facts, NOW).severity is Severity[severity]


def test_the_line_says_why() -> None:
    """One line names the power, each credential, its age and its use."""
    facts = replace(BARE, attached=(FULL,), keys=(OLD_KEY, NEW_KEY), console_password=True)
    assert assess(facts, NOW).reasons == (
        "administrator-like: every or nearly every action; console password without MFA; "
        "active access key 400 days old, no use recorded; "
        "active access key 3 days old, last used today"
    )


def test_what_was_not_read_is_said() -> None:
    """A user of whom nothing could be read is no low risk, and each gap is named."""
    risk = assess(Facts(ME), NOW)
    assert risk.severity is Severity.HIGH
    assert risk.unknown == (
        "inline policies",
        "attached policies",
        "console password",
        "access keys",
    )


def test_a_document_in_hand_beats_a_name() -> None:
    """A customer's policy is judged by its document once it is known."""
    facts = replace(PERMISSIONS["unread"], documents={LOCAL: ESCALATES})
    assert assess(facts, NOW).severity is Severity.HIGH
    assert assess(replace(facts, documents={LOCAL: READ}), NOW).unknown == ()


def test_a_boundary_that_was_read_holds_an_administrator_down() -> None:
    """With such a boundary the user has only some permissions, and the line says so."""
    facts = replace(
        PERMISSIONS["admin"], boundary_arn=LOCAL, documents={LOCAL: READ}, keys=(NEW_KEY,)
    )
    risk = assess(facts, NOW)
    assert risk.severity is Severity.MEDIUM
    assert "held down by a permissions boundary" in risk.reasons


@pytest.mark.parametrize("documents", [{}, {LOCAL: ADMIN}, {LOCAL: ESCALATES}, {LOCAL: BROKEN}])
def test_any_other_boundary_is_only_mentioned(documents: dict[str, object]) -> None:
    """A boundary unread, broken, or wide as the sky excuses nothing."""
    facts = replace(PERMISSIONS["admin"], boundary_arn=LOCAL, documents=documents, keys=(NEW_KEY,))
    risk = assess(facts, NOW)
    assert risk.severity is Severity.CRITICAL
    assert "boundary not known to hold it down" in risk.reasons


DENY = {"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
AGELESS = AccessKey(active=True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "no permissions; no credentials"),
        ({"inline": {"p": READ}}, "some permissions; no credentials"),
        ({"inline": {"p": DENY}}, "no permissions; Deny statements not weighed; no credentials"),
        ({"inline": None}, "permissions not all readable; no credentials"),
        ({"attached": (LOCAL,)}, "some permissions; no credentials"),
        ({"keys": (AGELESS,)}, "no permissions; active access key of unknown age, no use recorded"),
        (
            {"console_password": True, "mfa": None},
            "no permissions; console password, MFA not readable",
        ),
        ({"console_password": True, "mfa": True}, "no permissions; console password with MFA"),
    ],
)
def test_each_part_of_the_line(changes: dict[str, object], said: str) -> None:
    """What is so is said, and nothing else."""
    assert assess(replace(BARE, **changes), NOW).reasons == said  # type: ignore[arg-type] # they fit


@pytest.mark.parametrize(
    ("keys", "severity"),
    [
        ((AccessKey(active=True, created_at=NOW - timedelta(days=90)),), Severity.MEDIUM),
        ((AccessKey(active=True, created_at=NOW - timedelta(days=90, seconds=1)),), Severity.HIGH),
        ((NEW_KEY, OLD_KEY), Severity.HIGH),
        ((AGELESS,), Severity.HIGH),
    ],
)
def test_a_key_is_old_after_90_days(keys: tuple[AccessKey, ...], severity: Severity) -> None:
    """The worst of the keys counts, and one whose age is not known counts as old."""
    risk = assess(replace(PERMISSIONS["some"], keys=keys), NOW)
    assert risk.severity is severity
    assert risk.unknown == (("age of an access key",) if AGELESS in keys else ())


def test_mfa_that_cannot_be_read_is_named() -> None:
    """Only where there is a password: without one it says nothing."""
    assert assess(replace(BARE, mfa=None), NOW).unknown == ()
    assert assess(replace(BARE, mfa=None, console_password=True), NOW).unknown == ("MFA",)


def test_a_name_that_says_administrator_is_believed_whatever_its_document() -> None:
    """AWS's own policies are known; a document in hand takes nothing from them."""
    facts = replace(BARE, attached=(FULL,), documents={FULL: READ})
    assert assess(facts, NOW).severity is Severity.HIGH


def test_a_boundary_known_by_name_alone_holds_nobody_down() -> None:
    """Its document was not read."""
    facts = replace(PERMISSIONS["admin"], boundary_arn=READ_ONLY, keys=(NEW_KEY,))
    assert assess(facts, NOW).severity is Severity.CRITICAL


def test_held_down_by_a_boundary_what_is_unread_counts_all_the_same() -> None:
    """Something that was not read, within the boundary, is more than some permissions."""
    inline = {"p": ADMIN, "q": BROKEN}
    facts = replace(BARE, inline=inline, boundary_arn=LOCAL, documents={LOCAL: READ})
    assert assess(replace(facts, keys=(NEW_KEY,)), NOW).severity is Severity.HIGH


def test_a_policy_name_cannot_break_the_line() -> None:
    """Control characters of other people's text do not reach the report."""
    risk = assess(replace(BARE, inline={"a\nb\x1b[31m": BROKEN}), NOW)
    assert all(text.isprintable() for text in (risk.reasons, *risk.unknown))
    assert risk.unknown


DOCUMENTS = st.sampled_from([READ, ADMIN, ESCALATES, BROKEN, {}, None])
KEYS = st.sampled_from([NEW_KEY, OLD_KEY, IDLE_KEY, AccessKey(active=True)])
FACTS = st.builds(
    Facts,
    st.just(ME),
    inline=st.dictionaries(st.sampled_from("abc"), DOCUMENTS, max_size=3) | st.none(),
    attached=st.lists(st.sampled_from([LOCAL, FULL]), max_size=2).map(tuple) | st.none(),
    documents=st.dictionaries(st.just(LOCAL), DOCUMENTS),
    keys=st.lists(KEYS, max_size=2).map(tuple) | st.none(),
    console_password=st.booleans() | st.none(),
    mfa=st.booleans() | st.none(),
    boundary_arn=st.sampled_from([LOCAL, None]),
)


@given(FACTS, DOCUMENTS)
def test_another_policy_never_lowers(facts: Facts, document: object) -> None:
    """Whatever is known already, one more inline or attached policy makes nothing better."""
    before = assess(facts, NOW).severity
    if facts.inline is not None:
        inline = {**facts.inline, "more": document}
        assert assess(replace(facts, inline=inline), NOW).severity >= before
    if facts.attached is not None:
        attached = (*facts.attached, FULL, LOCAL)
        assert assess(replace(facts, attached=attached), NOW).severity >= before


@given(FACTS, KEYS)
def test_another_credential_never_lowers(facts: Facts, key: AccessKey) -> None:
    """Whatever is known already, one more key or a password makes nothing better."""
    before = assess(facts, NOW).severity
    if facts.keys is not None:
        assert assess(replace(facts, keys=(*facts.keys, key)), NOW).severity >= before
    if facts.console_password is False:
        assert assess(replace(facts, console_password=True), NOW).severity >= before


@given(FACTS)
def test_credentials_that_cannot_be_read_never_lower(facts: Facts) -> None:
    """To lose sight of credentials, of MFA or of a boundary's document makes nothing better."""
    before = assess(facts, NOW).severity
    for blind in (
        replace(facts, keys=None),
        replace(facts, console_password=None),
        replace(facts, mfa=None),
        replace(facts, boundary_arn=None),
    ):
        assert assess(blind, NOW).severity >= before


@given(FACTS)
def test_policies_that_cannot_be_read_count_for_more_than_none(facts: Facts) -> None:
    """An unreadable policy, or an unreadable list of them, is worse than having none."""
    without = assess(replace(facts, inline={}), NOW).severity
    for blind in (replace(facts, inline=None), replace(facts, inline={"p": BROKEN})):
        risk = assess(blind, NOW)
        assert risk.severity >= without
        assert risk.unknown
