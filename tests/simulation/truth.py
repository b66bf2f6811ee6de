"""What is so: every user of the account at every moment, told apart by id."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from tests.simulation.kernel import DAY, instant
from tests.simulation.plan import Act, Do

TAG = "straywatch:exempt"
TAG_UNTIL = "straywatch:exempt-until"
ALWAYS = 1 << 60
NEVER = -ALWAYS
_GROUP_OF_CROWD = "staff"


@dataclass(frozen=True, slots=True)
class User:
    """One user at one moment."""

    user_id: str
    name: str
    created_at: int
    groups: tuple[str, ...] = ()
    tagged: bool = False
    tagged_until: int | None = None

    @property
    def tags(self) -> dict[str, str]:
        """The user's tags as IAM tells them."""
        tags = {"team": "payments"}
        if self.tagged:
            tags[TAG] = "break glass"
        if self.tagged and self.tagged_until is not None:
            tags[TAG_UNTIL] = instant(self.tagged_until).isoformat()
        return tags


@dataclass(frozen=True, slots=True)
class Exemption:
    """One exemption of the configuration: by `name` (with wildcards) or by `user_id`."""

    kind: str
    value: str
    until: int | None


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration in force; a `broken` document leaves the last good one in force."""

    exemptions: tuple[Exemption, ...] = ()
    by_tag: bool = True
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Episode:
    """One unbroken stretch of one user being a stray; `end` is None while it goes on."""

    user_id: str
    start: int
    end: int | None

    def holds(self, at: int) -> bool:
        """Whether the user is a stray in this episode at that moment."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(slots=True)
class Truth:
    """Every version of every user and of the configuration, by time."""

    users: dict[str, list[tuple[int, User | None]]] = field(default_factory=dict)
    configurations: list[tuple[int, Configuration]] = field(
        default_factory=lambda: [(-1, Configuration())]
    )
    last_read: Configuration = Configuration()
    """The last good document that anybody was shown: what stays in force under a broken one."""
    _episodes: dict[tuple[str, int], tuple[Episode, ...]] = field(default_factory=dict)
    _bearers: dict[str, list[str]] = field(default_factory=dict)
    """Who ever bore a name, by lower-case name."""

    def settle_crowd(self, size: int, strays: int) -> None:
        """Have users in the account who were made long before the history begins."""
        for number in range(size):
            user_id = self._create(f"u{number:03}", -DAY).user_id
            if number >= strays:
                groups = (_GROUP_OF_CROWD,)
                self._put(user_id, replace(self.users[user_id][0][1], groups=groups), -DAY + 1000)  # type: ignore[type-var]  # it was just made

    def user(self, user_id: str, at: int) -> User | None:
        """The user at that moment, or None while it does not exist."""
        versions = self.users.get(user_id, [])
        position = bisect_right(versions, at, key=lambda version: version[0])
        return versions[position - 1][1] if position else None

    def all(self, at: int) -> Iterator[User]:
        """All who exist at that moment, in order of name."""
        found = (self.user(user_id, at) for user_id in self.users)
        yield from sorted((u for u in found if u), key=lambda u: u.name.lower())

    def named(self, name: str, at: int) -> User | None:
        """Who bears the name at that moment, in whatever case."""
        wanted = name.lower()
        found = (self.user(user_id, at) for user_id in self._bearers.get(wanted, ()))
        return next((u for u in found if u and u.name.lower() == wanted), None)

    def configuration(self, at: int) -> Configuration:
        """The configuration at that moment."""
        position = bisect_right(self.configurations, at, key=lambda version: version[0])
        return self.configurations[position - 1][1]

    def apply(self, act: Act, now: int) -> User | None:
        """Do it, where it can be done: returns the user as it was before, or was created as."""
        if act.elsewhere or act.do in _OF_NOBODY:
            return None
        user = self.named(act.name, now) if act.name else None
        if act.do is Do.CREATE:
            return None if user else self._create(act.name, now)
        if act.do in _OF_CONFIGURATION:
            self._configure(act, user, now)
            return None
        if user is None or not self._possible(act, user, now):
            return None
        self._put(user.user_id, _changed(user, act), now)
        return user

    def _create(self, name: str, now: int) -> User:
        user = User(f"AIDA{len(self.users):012d}{name.upper()[:4]}", name, now)
        self._put(user.user_id, user, now)
        return user

    def _put(self, user_id: str, user: User | None, now: int) -> None:
        self.users.setdefault(user_id, []).append((now, user))
        if user:
            bearers = self._bearers.setdefault(user.name.lower(), [])
            if user_id not in bearers:
                bearers.append(user_id)

    def _possible(self, act: Act, user: User, now: int) -> bool:
        match act.do:
            case Do.ADD:
                return act.other not in user.groups
            case Do.REMOVE:
                return act.other in user.groups
            case Do.DELETE:
                return not user.groups
            case Do.RENAME:
                bearer = self.named(act.other, now)
                return act.other != user.name and (bearer is None or bearer == user)
            case _:
                return True

    def _configure(self, act: Act, user: User | None, now: int) -> None:
        old = self.configuration(now)
        if act.do is Do.BREAK_CONFIGURATION:
            old = self.last_read
        self.configurations.append((now, _configured(old, act, user)))

    def exempt(self, user: User, at: int) -> bool:
        """Whether the user may be a stray at that moment."""
        return self.exempt_until(user, at) > at

    def exempt_until(self, user: User, at: int) -> int:
        """When what exempts the user by what is known at that moment is over; ALWAYS for never.

        NEVER where nothing does.
        """
        configuration = self.configuration(at)
        ends = [e.until for e in configuration.exemptions if _covers(e, user)]
        if user.tagged and configuration.by_tag:
            ends.append(user.tagged_until)
        return max((ALWAYS if end is None else end for end in ends), default=NEVER)

    def is_stray(self, user_id: str, at: int) -> bool:
        """Whether the user is a stray at that moment."""
        user = self.user(user_id, at)
        return user is not None and not user.groups and not self.exempt(user, at)

    def episodes(self, user_id: str, until: int) -> tuple[Episode, ...]:
        """The user's episodes that began by `until`, in order."""
        key = (user_id, until)
        if key not in self._episodes:
            self._episodes[key] = tuple(self._find_episodes(user_id, until))
        return self._episodes[key]

    def _find_episodes(self, user_id: str, until: int) -> Iterator[Episode]:
        start: int | None = None
        for moment in sorted(m for m in self._turns(user_id) if m <= until):
            stray = self.is_stray(user_id, moment)
            if stray and start is None:
                start = moment
            elif not stray and start is not None:
                yield Episode(user_id, start, moment)
                start = None
        if start is not None:
            yield Episode(user_id, start, None)

    def _turns(self, user_id: str) -> set[int]:
        """All moments at which the user may become a stray, or cease to be one."""
        turns = {at for at, _ in self.users[user_id]} | {at for at, _ in self.configurations}
        turns |= {u.tagged_until for _, u in self.users[user_id] if u and u.tagged_until}
        ends = (e.until for _, c in self.configurations for e in c.exemptions)
        return turns | {end for end in ends if end is not None}


_OF_NOBODY = (Do.SET_GRACE, Do.QUEUE, Do.ALARM)
_OF_CONFIGURATION = (
    Do.EXEMPT,
    Do.UNEXEMPT,
    Do.BREAK_CONFIGURATION,
    Do.MEND_CONFIGURATION,
    Do.TAGS_OFF,
    Do.TAGS_ON,
)


def _changed(user: User, act: Act) -> User | None:
    match act.do:
        case Do.ADD:
            return replace(user, groups=(*user.groups, act.other))
        case Do.REMOVE:
            return replace(user, groups=tuple(g for g in user.groups if g != act.other))
        case Do.RENAME:
            return replace(user, name=act.other)
        case Do.TAG:
            return replace(user, tagged=True, tagged_until=act.until)
        case Do.UNTAG:
            return replace(user, tagged=False, tagged_until=None)
        case _:
            return None


def _configured(old: Configuration, act: Act, user: User | None) -> Configuration:
    match act.do:
        case Do.EXEMPT:
            value = user.user_id if act.other == "user_id" and user else act.name
            kind = "user_id" if act.other == "user_id" and user else "name"
            rule = Exemption(kind, value, act.until)
            return replace(old, exemptions=(*old.exemptions, rule), broken=False)
        case Do.UNEXEMPT:
            return replace(old, exemptions=(), broken=False)
        case Do.BREAK_CONFIGURATION:
            return replace(old, broken=True)
        case Do.MEND_CONFIGURATION:
            return replace(old, broken=False)
        case _:
            return replace(old, by_tag=act.do is Do.TAGS_ON, broken=False)


def _covers(exemption: Exemption, user: User) -> bool:
    if exemption.kind == "user_id":
        return exemption.value == user.user_id
    return fnmatchcase(user.name.lower(), exemption.value.lower())


def configuration_document(configuration: Configuration) -> Mapping[str, object]:
    """The configuration as the operators write it."""
    return {
        "version": 1,
        "tag_exemptions": configuration.by_tag,
        "exemptions": [
            {e.kind: e.value, "reason": "OPS-12"}
            | ({} if e.until is None else {"until": instant(e.until).isoformat()})
            for e in configuration.exemptions
        ],
    }
