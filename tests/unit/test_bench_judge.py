"""`python -m bench.judge`: how the judge is asked, what is counted, and what is said without it."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from bench.judge.__main__ import measure
from bench.judge.access import Access
from bench.judge.bounded import bounded
from bench.judge.counts import Counts
from bench.judge.known import as_misread, without_moot
from bench.judge.node import Driver, NoJudgeError, installed
from bench.judge.trial import (
    BEFORE,
    DETACHED,
    JOINED,
    MEDDLED,
    UNDONE,
    State,
    outcomes,
    try_account,
)
from straywatch.errors import StraywatchError
from straywatch.remediation.applying.verification import UserVerification
from tests.adapters.remediation_account import client
from tests.unit.remediation.evaluator import decided

ECHO = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    answers = [request[0] for request in asked["requests"]][:LIMIT]
    print(json.dumps({"id": asked["id"], "answers": answers}), flush=True)
"""
QUESTION: dict[str, Any] = {
    "principal": "arn:aws:iam::123456789012:user/u1",
    "account": "123456789012",
    "policies": [],
    "boundary": None,
    "requests": [["s3:GetObject", "arn:aws:s3:::a/x", {}], ["sqs:SendMessage", "*", {}]],
}


def answering(limit: str) -> list[str]:
    """A process that speaks the protocol and answers so many requests."""
    return [sys.executable, "-c", ECHO.replace("LIMIT", limit)]


def test_each_question_is_one_line_and_so_is_its_answer() -> None:
    """Many questions to one process; the answers come in the order of the requests."""
    with Driver(answering("None")) as driver:
        assert driver.ask(QUESTION) == ["s3:GetObject", "sqs:SendMessage"]
        assert driver.ask({**QUESTION, "requests": []}) == []


@pytest.mark.parametrize("command", [answering("1"), [sys.executable, "-c", "input()"]])
def test_a_request_without_an_answer_is_an_error(command: list[str]) -> None:
    """A judge that falls silent, or leaves requests out, is never counted as agreeing."""
    with Driver(command) as driver, pytest.raises(StraywatchError, match="question 1"):
        driver.ask(QUESTION)


def test_without_node_the_bench_says_so() -> None:
    """The part is named as not run, with the reason: it never looks like a pass."""

    def nothing() -> list[str]:
        return installed(which=lambda _: None)

    with pytest.raises(NoJudgeError, match=r"needs Node\.js and npm"):
        nothing()
    (figure,) = measure(nothing)
    assert figure.value == "NOT RUN"
    assert "Node.js" in figure.against


def test_where_npm_fails_its_last_words_are_told(tmp_path: Path) -> None:
    """No network, no registry: one line, and no judge."""
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error network' >&2\nexit 1\n")
    npm.chmod(0o755)
    with pytest.raises(NoJudgeError, match="npm error network"):
        installed(tmp_path / "there", lambda _: str(npm))


def honest(question: dict[str, Any]) -> list[str]:
    """The evaluator of the tests, answering as the judge from npm does."""
    return [
        "Allowed"
        if decided(question["policies"], action, resource, context, question["boundary"])
        else "ImplicitlyDenied"
        for action, resource, context in question["requests"]
    ]


def wrong(question: dict[str, Any]) -> list[str]:
    """A judge who allows all."""
    return ["Allowed" for _ in question["requests"]]


def silent(question: dict[str, Any]) -> list[str]:
    """A judge who takes no request."""
    return ["error: invalid.action" for _ in question["requests"]]


@pytest.mark.parametrize("seed", [0, 3])
@mock_aws
def test_every_user_is_asked_about_in_every_state(tmp_path: Path, seed: int) -> None:
    """Before, joined, detached, meddled with and undone; a judge like ours finds no fault."""
    counts = try_account(seed, 1, honest, tmp_path, bounded(client()))
    assert set(counts.queries) == {BEFORE, JOINED, DETACHED, MEDDLED, UNDONE}
    assert len(set(counts.queries.values())) == 1
    assert counts.judges == {"agree": counts.evaluations}
    assert (counts.faults, counts.differences) == (0, 0)
    assert sum(n for kind, n in counts.outcomes.items() if "undo" in kind) == counts.queries[BEFORE]


@mock_aws
def test_a_judge_of_another_mind_is_counted_with_examples(tmp_path: Path) -> None:
    """Each difference has its kind, and examples hold all that is needed to repeat them."""
    counts = try_account(0, 1, wrong, tmp_path, bounded(client()))
    assert counts.differences > 0
    kind = "differ: npm's says Allowed, AWS's rules False"
    assert counts.examples[kind][0].keys() >= {"seed", "user", "action", "context", "documents"}


@mock_aws
def test_what_the_judge_does_not_take_is_not_counted_as_agreeing(tmp_path: Path) -> None:
    """Requests that it refuses are a kind of their own, and prove nothing."""
    counts = try_account(0, 1, silent, tmp_path, bounded(client()))
    assert set(counts.judges) == {"not judged: error: invalid.action"}
    assert not counts.outcomes


def states(*, seen: bool, gains: bool = False) -> dict[str, State]:
    """States of one user, with what verify said of them."""
    told: Any = ("an example",)
    fine = UserVerification("u", gains=told if gains else ())
    named = UserVerification("u", problem="in no group" if seen else "")
    nothing: dict[str, Access] = {}
    said = {
        BEFORE: {},
        JOINED: {"u": fine},
        DETACHED: {"u": fine},
        MEDDLED: {"u": named},
        UNDONE: {},
    }
    return {name: State(nothing, found) for name, found in said.items()}


@pytest.mark.parametrize(
    ("answers", "seen", "gains", "limit", "faults"),
    [
        ((False, False, False, False, False), False, False, 0, []),
        ((True, True, False, False, True), False, False, 5, ["FAULT: apply (detached): lost"]),
        ((False, False, True, True, False), False, False, 0, ["FAULT: apply (detached): gained"]),
        ((False, False, True, True, False), False, False, 5, ["FAULT: apply (detached): gained"]),
        ((False, False, True, True, False), False, True, 5, []),
        ((True, True, True, True, False), False, False, 0, ["FAULT: undo: lost"]),
        (
            (True, True, True, False, True), False, False, 0,
            ["FAULT: verify after a stranger's change: lost, fine"],
        ),
        ((True, True, True, False, True), True, False, 0, []),
    ],
)  # fmt: skip
def test_losses_gains_and_what_verify_missed_are_faults(
    answers: tuple[bool, ...], *, seen: bool, gains: bool, limit: int, faults: list[str]
) -> None:
    """A gain is none where the plan allows gains and verify named one."""
    said = dict(zip((BEFORE, JOINED, DETACHED, MEDDLED, UNDONE), answers, strict=True))
    found = outcomes("u", said, states(seen=seen, gains=gains), planned=True, limit=limit)
    assert [kind for kind in found if kind.startswith("FAULT")] == faults


def test_the_summary_adds_up() -> None:
    """Queries, agreements, differences and faults, each by kind."""
    total = Counts()
    total.add(
        Counts(
            accounts=1,
            evaluations=3,
            queries=Counter(before=2, undone=2),
            judges=Counter({"agree": 2, "differ: npm's says Allowed, AWS's rules False": 1}),
            outcomes=Counter({"undo: the same": 1, "FAULT: undo: lost": 1}),
            examples={"FAULT: undo: lost": [{"seed": 7}]},
        )
    )
    assert list(total.lines()) == [
        "accounts 1, queries 4, evaluations 3",
        "queries: before: 2",
        "queries: undone: 2",
        "judges: agree: 2",
        "judges: differ: npm's says Allowed, AWS's rules False: 1",
        "outcomes: FAULT: undo: lost: 1",
        "outcomes: undo: the same: 1",
        "differences between the judges: 1; faults: 1",
        'example of FAULT: undo: lost: {"seed": 7}',
    ]


@pytest.mark.parametrize(
    ("pattern", "cut"),
    [
        ("arn:aws:sqs:us-east-1:123456789012:${aws:username}", True),
        ("arn:aws:iam::123456789012:user/${aws:username}", False),
        ("arn:aws:s3:::${aws:PrincipalTag/team}/*", False),
        ("arn:aws:sqs:*:*:q", False),
    ],
)
def test_only_what_is_known_to_be_misread_is_excused(pattern: str, *, cut: bool) -> None:
    """All other differences stay differences."""
    document = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": pattern}]}
    (read,) = as_misread([document])
    assert (read["Statement"][0]["Resource"] != [pattern]) == cut


@pytest.mark.parametrize(
    ("resource", "kept"),
    [("*", []), ("arn:aws:sqs:us-east-1:1:q", []), ("arn:aws:s3:::b", ["arn:aws:s3:::${x:y}/*"])],
)
def test_a_variable_without_value_is_open_in_another_service_alone(
    resource: str, kept: list[str]
) -> None:
    """In the request's own, both judges let the statement not apply; with a value nothing is."""
    own = "arn:aws:s3:::${x:y}/*"
    document = {"Statement": [{"Effect": "Allow", "Action": "*", "NotResource": [own]}]}
    (read,) = without_moot([document], resource, {})
    assert read["Statement"][0]["NotResource"] == kept
    assert without_moot([document], resource, {"x:y": "z"}) == [document]
