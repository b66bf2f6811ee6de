"""A plan as people sign it: who joins what, what they gain, what stays, and a digest of it all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from straywatch.remediation.planning.plan import Plan
from straywatch.text import one_line


def as_summary(plan: Plan, digest: str) -> str:
    """The plan in Markdown, a line for each user and group, so that a change shows as a line."""
    return "\n".join(_lines(plan, digest)) + "\n"


def _lines(plan: Plan, digest: str) -> Iterator[str]:
    gaining = [user for user in plan.users if user.gains]
    yield f"# Groups for {len(plan.users)} users of account {plan.before.account.account_id}"
    yield ""
    yield f"- New groups: {len(plan.new_groups)}; existing ones used: {_existing(plan)}"
    yield f"- Nobody loses anything. Users who gain something: {len(gaining)}"
    yield f"- Actions that a user may gain at most (max_gain): {plan.max_gain}"
    yield f"- Digest: `{digest}`"
    yield ""
    yield f"Approve this very plan with `straywatch apply PLAN --approve {digest}`; any edit makes"
    yield "another digest."
    yield from _table(
        "Who gains what", ("user", "gains"), [(u.name, "; ".join(u.gains)) for u in gaining]
    )
    yield from _table(
        "Groups",
        ("group", "", "gives", "why"),
        [
            (g.name, "new" if g.create else "exists", ", ".join((*g.attach, *g.inline)), g.why)
            for g in plan.groups
        ],
    )
    yield from _table(
        "Users",
        ("user", "joins", "no longer direct", "why"),
        [
            (u.name, ", ".join(u.join), ", ".join((*u.detach, *u.delete_inline)), u.why)
            for u in plan.users
        ],
    )
    yield from _table(
        "Better not put into a group",
        ("user", "proposal", "why"),
        [(p.name, p.proposal, p.why) for p in plan.proposals],
    )
    if plan.notes:
        yield from ("", "## Notes", "", *(f"- {_cell(note)}" for note in plan.notes))


def _existing(plan: Plan) -> int:
    return len(plan.groups) - len(plan.new_groups)


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"## {title}", "", _row(heads), _row(["---"] * len(heads)))
    yield from (_row([_cell(text) for text in row]) for row in rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """A text of others that is neither a cell's end, nor a link, nor a page's markup."""
    return re.sub(r"([\\`*_{}\[\]<>()#|!~@])", r"\\\1", one_line(text))
