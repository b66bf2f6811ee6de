"""One account through plan, apply, a stranger's change, and undo, judged in each state."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.judge import accounts
from bench.judge.access import Access, access
from bench.judge.counts import Counts
from bench.judge.known import Document, as_misread, without_moot
from straywatch.errors import StraywatchError
from straywatch.remediation.applying.application import apply_plan
from straywatch.remediation.applying.journal import Journal
from straywatch.remediation.applying.undo import undo_journal
from straywatch.remediation.applying.verification import UserVerification, verify
from straywatch.remediation.planning.plan import Options, Plan
from straywatch.remediation.planning.planner import make_plan
from tests.adapters.remediation_account import ACCOUNT, look
from tests.unit.remediation.evaluator import decided

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

Ask = Callable[[dict[str, Any]], list[str]]
ALLOWED = {"Allowed": True, "ImplicitlyDenied": False, "ExplicitlyDenied": False}
BEFORE, JOINED, DETACHED, MEDDLED, UNDONE = "before", "joined", "detached", "meddled", "undone"

REFUSED = "FAULT: plan, apply or undo refused an account that nobody had changed"


@dataclass(frozen=True)
class State:
    """The account at one time: what applies to each user, and what verify said of it."""

    held: dict[str, Access]
    verified: dict[str, UserVerification]


def try_account(seed: int, contexts: int, ask: Ask, folder: Path, iam: IAMClient) -> Counts:
    """Play one account and count. The same seed, the same account and questions."""
    dice = random.Random(seed)  # nosec B311  # noqa: S311 - a repeatable account, not a secret
    accounts.populate(iam, dice)
    options = Options(
        dice.choice(["direct", "strays"]), dice.choice([0, 0, 0, 5]), dice.choice([None, 1])
    )
    counts = Counts(accounts=1)
    try:
        plan = make_plan(look(iam), options)
        states = _play(plan, iam, dice, folder / f"{seed}.journal")
    except StraywatchError as error:
        counts.outcomes[REFUSED] += 1
        counts.differ(REFUSED, {"seed": seed, "why": str(error)})
        return counts
    for name in sorted(states[BEFORE].held):
        asked = accounts.requests(dice, name, contexts)
        _judge_user(seed, name, plan, states, asked=asked, ask=ask, counts=counts)
    return counts


def _play(plan: Plan, iam: IAMClient, dice: random.Random, path: Path) -> dict[str, State]:
    states = {BEFORE: State(access(iam), {})}

    def apply(journal: Journal, *, detach: bool) -> None:
        apply_plan(
            plan, journal, iam, lambda: look(iam), detach_direct=detach, settle=0,
            sleep=lambda _: None,
        )  # fmt: skip
        states[DETACHED if detach else JOINED] = _state(plan, iam)

    with Journal.begin(path, ACCOUNT, "p") as journal:
        apply(journal, detach=False)
    with Journal.resume(path) as journal:
        apply(journal, detach=True)
    put_back = _meddle(iam, dice)
    states[MEDDLED] = _state(plan, iam)
    put_back()
    with Journal.resume(path) as journal:
        undo_journal(journal, iam, lambda: look(iam), lambda _: None, settle=0)
    states[UNDONE] = State(access(iam), {})
    return states


def _state(plan: Plan, iam: IAMClient) -> State:
    return State(access(iam), {told.user: told for told in verify(plan, look(iam))})


def _meddle(iam: IAMClient, dice: random.Random) -> Callable[[], object]:
    """Change somebody's access behind the plan's back; what is returned puts it back."""
    now = look(iam)
    members = [(user.name, group) for user in now.users for group in user.groups or ()]
    if members and dice.random() < 0.3:
        user, group = dice.choice(members)
        iam.remove_user_from_group(UserName=user, GroupName=group)
        return lambda: iam.add_user_to_group(UserName=user, GroupName=group)
    text = json.dumps({"Version": "2012-10-17", "Statement": [accounts.statement(dice)]})
    if members and dice.random() < 0.7:
        group = dice.choice(members)[1]
        iam.put_group_policy(GroupName=group, PolicyName="meddled", PolicyDocument=text)
        return lambda: iam.delete_group_policy(GroupName=group, PolicyName="meddled")
    user = dice.choice(now.users).name
    iam.put_user_policy(UserName=user, PolicyName="meddled", PolicyDocument=text)
    return lambda: iam.delete_user_policy(UserName=user, PolicyName="meddled")


def _judge_user(
    seed: int,
    name: str,
    plan: Plan,
    states: dict[str, State],
    *,
    asked: Sequence[accounts.Asked],
    ask: Ask,
    counts: Counts,
) -> None:
    """Both judges on every request in every state, and what that says of our commands."""
    theirs: dict[str, list[str]] = {}
    known: list[tuple[Access, list[str]]] = []
    for state, found in states.items():
        held = found.held[name]
        answers = next((told for same, told in known if same == held), None)
        if answers is None:
            answers = ask(question(name, held, asked))
            known.append((held, answers))
            counts.evaluations += len(asked)
            _compare_judges(seed, name, held, asked=asked, answers=answers, counts=counts)
        theirs[state] = answers
        counts.queries[state] += len(asked)
    planned = any(user.name == name for user in plan.users)
    for number, request in enumerate(asked):
        told = {state: theirs[state][number] for state in states}
        if all(answer in ALLOWED for answer in told.values()):
            said = {state: ALLOWED[answer] for state, answer in told.items()}
            for kind in outcomes(name, said, states, planned=planned, limit=plan.max_gain):
                counts.outcomes[kind] += 1
                if kind.startswith("FAULT"):
                    counts.differ(kind, _example(seed, name, request, said=said))


def question(name: str, held: Access, asked: Sequence[accounts.Asked]) -> dict[str, Any]:
    """A line for the driver: one user's documents and all requests."""
    return {
        "principal": f"arn:aws:iam::{accounts.ACCOUNT_ID}:user/{name}",
        "account": accounts.ACCOUNT_ID,
        "policies": held.documents,
        "boundary": held.boundary,
        "requests": [[each.action, each.resource, each.context] for each in asked],
    }


def _compare_judges(
    seed: int,
    name: str,
    held: Access,
    *,
    asked: Sequence[accounts.Asked],
    answers: list[str],
    counts: Counts,
) -> None:
    for request, answer in zip(asked, answers, strict=True):
        if answer not in ALLOWED:
            kind = f"not judged: {answer}"
        else:
            ours = _ours(held, request)
            if ours == ALLOWED[answer]:
                kind = "agree"
            elif _ours(misread(held), request) == ALLOWED[answer]:
                kind = "known: npm's cuts a variable in two"
            elif _ours(unmooted(misread(held), request), request) == ALLOWED[answer]:
                kind = "open: a NotResource's variable without value, of another service"
            else:
                kind = f"differ: npm's says {answer}, AWS's rules {ours}"
        counts.judges[kind] += 1
        if kind.startswith(("differ", "not judged")):
            documents = [held.documents, held.boundary]
            counts.differ(kind, _example(seed, name, request, documents=documents))


def _ours(held: Access, request: accounts.Asked) -> bool:
    return decided(held.documents, request.action, request.resource, request.context, held.boundary)


def misread(held: Access) -> Access:
    """What applies to a user as the judge from npm takes it, where it is known to be wrong."""
    return _each(held, as_misread)


def unmooted(held: Access, asked: accounts.Asked) -> Access:
    """What applies to a user as npm's takes it for one request, where AWS leaves it open."""
    return _each(held, lambda documents: without_moot(documents, asked.resource, asked.context))


def _each(held: Access, change: Callable[[Iterable[Document]], list[Document]]) -> Access:
    boundary = None if held.boundary is None else tuple(change(held.boundary))
    return Access(tuple(change(held.documents)), boundary)


def outcomes(
    name: str, said: dict[str, bool], states: dict[str, State], *, planned: bool, limit: int
) -> list[str]:
    """What one request's answers over the states say of plan, apply, verify and undo."""
    found = []
    for state in (JOINED, DETACHED):
        word = _moved(said[BEFORE], said[state])
        verified = states[state].verified.get(name)
        told = verified is not None and bool(verified.gains)
        intended = word == "the same" or (word == "gained" and planned and limit > 0 and told)
        found.append(f"{'' if intended else 'FAULT: '}apply ({state}): {word}")
    word = _moved(said[BEFORE], said[UNDONE])
    found.append(f"{'' if word == 'the same' else 'FAULT: '}undo: {word}")
    if planned:
        seen = not states[MEDDLED].verified[name].fine
        word = _moved(said[DETACHED], said[MEDDLED])
        missed = word != "the same" and not seen
        found.append(
            f"{'FAULT: ' if missed else ''}verify after a stranger's change: {word}, "
            f"{'named' if seen else 'fine'}"
        )
    return found


def _moved(was: bool, now: bool) -> str:  # noqa: FBT001 - two answers of a judge
    return "the same" if was == now else "gained" if now else "lost"


def _example(seed: int, name: str, request: accounts.Asked, **more: object) -> dict[str, Any]:
    asked = {"action": request.action, "resource": request.resource, "context": request.context}
    return {"seed": seed, "user": name, **asked, **more}
