"""Text as an attacker would choose it, for names, actors, agents, groups, tags and messages."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from chalicelib.domain.alerts import Alert, Message, Notice, digest_of
from chalicelib.domain.facts import Evidence
from chalicelib.domain.findings import AlertType, Finding, Reason, Resolution, Status
from chalicelib.domain.severity import Severity
from tests.unit.examples import ACCOUNT, CREATED, FINDING, NOW

PIECES = (
    "\n", "\r\n", "\t", "\0", "\x1b[31m", "\u2028", "\u202e", "\u00e4", "\U0001f600",
    "'", '"', "`", "$(", ")", ";", "|", "&", "&&", "<", ">", "\\", "${IFS}", "!", "#", "--", "-rf",
    "https://evil.example/", "HTTP://x", "www.evil.example", "[a](https://evil.example)",
    "<https://evil.example|click>", "<!channel>", "@here", "*b*", "_i_", "~s~", ":smile:",
    "Subject: x", "Bcc: you@evil.example", "=?utf-8?q?x?=", "%0a", "{{x}}", "touch pwned",
    "file://etc", ",Key=x", "=", " ",
)  # fmt: skip
LEGAL = st.text("abcXYZ019_+=,.@-", min_size=1, max_size=128)
"""Every name that IAM allows, and some that only old users have."""
HOSTILE = st.one_of(
    LEGAL,
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), min_size=1, max_size=12).map(
        "".join
    ),
    st.sampled_from(("-", "--debug", "-rf", ".", "=x", "@file", "a,b", "~", "*")),
    st.text(min_size=1, max_size=300),
)


@st.composite
def findings(draw: st.DrawFn, names: st.SearchStrategy[str] = HOSTILE) -> Finding:
    """A finding in which all that comes from others is hostile."""
    name = draw(names)
    cause = replace(
        CREATED,
        event_name=draw(st.sampled_from(("CreateUser", "RemoveUserFromGroup"))),
        event_id=draw(HOSTILE),
        actor_arn=draw(HOSTILE),
        actor_type=draw(st.one_of(st.sampled_from(("Root", "AssumedRole", "IAMUser")), HOSTILE)),
        source_ip=draw(HOSTILE),
        user_agent=draw(HOSTILE),
        group_name=draw(names),
    )
    over = draw(st.booleans())
    return replace(
        FINDING,
        user_name=name,
        user_arn=f"arn:aws:iam::123456789012:user/{name}",
        severity=draw(st.sampled_from(Severity)),
        risk=draw(HOSTILE),
        owner=draw(HOSTILE),
        unread=tuple(draw(st.lists(HOSTILE, max_size=3))),
        evidence=draw(st.sampled_from(Evidence)),
        cause=draw(st.sampled_from((cause, None))),
        flaps=draw(st.integers(0, 300)),
        status=Status.RESOLVED if over else Status.OPEN,
        resolved_at=NOW if over else None,
        resolution=draw(resolutions(names)) if over else None,
    )


def resolutions(names: st.SearchStrategy[str]) -> st.SearchStrategy[Resolution]:
    """Any reason with any groups and any exemption."""
    return st.builds(
        Resolution,
        st.sampled_from(Reason),
        groups=st.lists(names, max_size=10).map(tuple),
        exempted_by=HOSTILE,
        exempted_until=st.sampled_from((None, NOW)),
    )


def alerts(names: st.SearchStrategy[str] = HOSTILE) -> st.SearchStrategy[Alert]:
    """An alert of a type that fits its finding."""
    steps = (AlertType.OPENED, AlertType.REMINDER, AlertType.ESCALATED, AlertType.TEST)

    def alert(finding: Finding, step: AlertType) -> Alert:
        return Alert(AlertType.RESOLVED if finding.resolution else step, finding)

    return st.builds(alert, findings(names), st.sampled_from(steps))


def messages() -> st.SearchStrategy[Message]:
    """A message of any kind."""
    notices = st.builds(
        Notice,
        st.sampled_from((AlertType.FLAPPING, AlertType.HEALTH)),
        st.sampled_from(Severity),
        st.just(ACCOUNT),
        HOSTILE,
        HOSTILE,
        st.one_of(st.just(""), HOSTILE),
    )
    digests = st.builds(
        lambda found, loud, of: digest_of(
            ACCOUNT, found, digest_id="aws:123456789012:digest:1", at=NOW, of=of, loud=loud
        ),
        st.lists(findings(), max_size=12),
        st.lists(findings(), max_size=3),
        st.sampled_from((AlertType.OPENED, AlertType.ESCALATED, AlertType.REMINDER)),
    )
    return st.one_of(alerts(), notices, digests)
