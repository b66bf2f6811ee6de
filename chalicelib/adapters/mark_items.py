"""A mark as its item in the state table: every fact an attribute of its own, under its id.

So one update adds a fact whatever else is there, and the same update twice is the same as once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.items import Item, from_item, to_item
from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.events import Cause
from chalicelib.domain.facts import Asked, Fact, Kind, Mark, News, Noted, in_order, with_news
from chalicelib.times import exact, parse_time

_FACT, _NOTED, _ASKED = "fact:", "noted:", "asked:"
FAR = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
"""A mark with an open finding does not expire: a later event must know whom to close."""


def mark_key(user_name: str) -> str:
    """IAM tells no names apart by case alone."""
    return f"mark#{user_name.lower()}"


def update_of(mark: Mark, news: News, expires_at: datetime) -> dict[str, Any]:
    """The update that adds news to a mark, as UpdateItem and TransactWriteItems take it.

    `mark` names the item; what else it holds counts only for when it expires.
    """
    put = dict(_attributes(mark, news))
    gone = [f"{_FACT}{id_}" for id_ in news.forgotten]
    gone += [f"{_NOTED}{user_id}" for user_id in news.over]
    if any(n.number == _UNKNOWN and n.user_id in news.over for n in mark.noted):
        gone.append("open_user_ids")
        news = replace(news, noted=tuple(n for n in mark.noted if n.user_id not in news.over))
        put = dict(_attributes(mark, news))
    expiry = "if_not_exists(kept_until, :expiry)"
    if news.noted:
        put["kept_until"], expiry = FAR, ":far"
    elif news.over and not with_news(mark, news).noted:
        gone, expiry = [*gone, "kept_until"], ":expiry"
    names = {f"#p{n}": name for n, name in enumerate(put)}
    names |= {f"#g{n}": name for n, name in enumerate(gone)}
    sets = [f"#p{n} = :p{n}" for n in range(len(put))]
    removed = ", ".join(f"#g{n}" for n in range(len(gone)))
    values = {f":p{n}": value for n, value in enumerate(put.values())} | {":one": 1}
    values |= {":far": FAR} if expiry == ":far" else {":expiry": int(expires_at.timestamp())}
    return {
        "Key": to_item({"pk": mark.account.key, "sk": mark_key(mark.user_name)}),
        "UpdateExpression": f"SET {', '.join([*sets, f'expires_at = {expiry}'])}"
        f"{f' REMOVE {removed}' if removed else ''} ADD version :one",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_item(values),
    }


def if_unchanged(update: Mapping[str, Any], mark: Mark) -> dict[str, Any]:
    """The update, on condition that the mark is as it was read."""
    if not mark.version:
        return {**update, "ConditionExpression": "attribute_not_exists(version)"}
    read = {":read": {"N": str(mark.version)}}
    values = {**update["ExpressionAttributeValues"], **read}
    condition = {"ConditionExpression": "version = :read", "ExpressionAttributeValues": values}
    return {**update, **condition}


def _attributes(mark: Mark, news: News) -> Iterator[tuple[str, Any]]:
    yield "account", encode(mark.account)
    yield "user_name", mark.user_name
    for fact in news.facts:
        yield f"{_FACT}{fact.id}", _without(encode(fact), "id")
    for noted in news.noted:
        yield f"{_NOTED}{noted.user_id}", _without(encode(noted), "user_id")
    for asked in news.asked:
        yield f"{_ASKED}{exact(asked.since)}", exact(asked.until)
    if news.flapping_told_at:
        yield "flapping_told_at", exact(news.flapping_told_at)


def _without(attributes: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if key != name}


def mark_of(item: Item) -> Mark:
    """Read a mark's item. Raises DecodingError."""
    plain = from_item(item)
    head = decode(_Head, plain)
    return Mark(
        account=head.account,
        user_name=head.user_name,
        facts=in_order([*_told_before(head), *_facts(plain)]),
        noted=(*_noted_before(head), *_noted(plain)),
        asked=tuple(_asked(plain)),
        flapping_told_at=head.flapping_told_at,
        version=head.version,
    )


def _facts(plain: Mapping[str, Any]) -> Iterator[Fact]:
    for name, value in plain.items():
        if name.startswith(_FACT):
            yield decode(Fact, {**value, "id": name.removeprefix(_FACT)})


def _noted(plain: Mapping[str, Any]) -> Iterator[Noted]:
    for name, value in plain.items():
        if name.startswith(_NOTED):
            yield decode(Noted, {**value, "user_id": name.removeprefix(_NOTED)})


def _asked(plain: Mapping[str, Any]) -> Iterator[Asked]:
    for name, value in plain.items():
        if name.startswith(_ASKED):
            yield Asked(parse_time(name.removeprefix(_ASKED)), parse_time(value))


# -- marks of the version before, which expire days after an upgrade ------------------------------

_LONG_AGO = datetime(2010, 1, 1, tzinfo=UTC)
_UNKNOWN = 0
"""The number of a finding that was noted by its user alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What every mark has, and what one was before: instants that moved forward."""

    account: Account
    user_name: str
    flapping_told_at: datetime | None = None
    version: int = 0
    left_at: datetime | None = None
    cause: Cause | None = None
    created_id: str = ""
    joined_at: datetime | None = None
    joined_group: str = ""
    settled_at: datetime | None = None
    seen_at: datetime | None = None
    deleted_at: datetime | None = None
    renamed_at: datetime | None = None
    renamed_to: str = ""
    taken_at: datetime | None = None
    open_user_ids: tuple[str, ...] = ()
    lefts: tuple[datetime, ...] = ()
    joins: tuple[datetime, ...] = ()


def _told_before(mark: _Head) -> Iterator[Fact]:
    """The same as facts, under ids that no event has. All of them were about the last bearer."""
    creates = mark.cause is not None and mark.cause.event_name == "CreateUser"
    if mark.left_at and (mark.created_id or creates):
        yield _old(Kind.CREATED, mark.left_at, mark.created_id, cause=mark.cause)
    if mark.left_at and not creates:
        yield _old(Kind.LEFT, mark.left_at, name=_group(mark.cause), cause=mark.cause)
    yield from (_old(Kind.LEFT, at) for at in mark.lefts if at != mark.left_at)
    yield from (_old(Kind.JOINED, at) for at in mark.joins if at != mark.joined_at)
    if mark.renamed_at and (mark.taken_at is None or mark.taken_at < mark.renamed_at):
        yield _old(Kind.RENAMED, mark.renamed_at, name=mark.renamed_to)
    named = {
        Kind.JOINED: (mark.joined_at, mark.joined_group),
        Kind.SETTLED: (mark.settled_at, ""),
        Kind.STRAY: (mark.seen_at, ""),
        Kind.DELETED: (mark.deleted_at, ""),
    }
    yield from (_old(kind, at, name=name) for kind, (at, name) in named.items() if at)


def _noted_before(mark: _Head) -> Iterator[Noted]:
    yield from (Noted(user_id, _UNKNOWN, _LONG_AGO) for user_id in mark.open_user_ids)


def _group(cause: Cause | None) -> str:
    return cause.group_name if cause else ""


def _old(
    kind: Kind, at: datetime, user_id: str = "", *, name: str = "", cause: Cause | None = None
) -> Fact:
    told = f"before:{kind}@{at.isoformat()}"
    return Fact(id=told, kind=kind, at=at, user_id=user_id, name=name, cause=cause)
