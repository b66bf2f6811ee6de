"""The watch's first lines: is it live, is the monitor well, what time is it, how does it stand."""

from __future__ import annotations

from datetime import datetime, timedelta

from rich.text import Text

from straywatch.observing.figures import rounded_down
from straywatch.observing.health import ailment, complaints
from straywatch.observing.moments import moment
from straywatch.text import visible
from straywatch.watching.fitting import NARROW, age, apart, wrapped
from straywatch.watching.follower import Picture, Seen

OLD = timedelta(seconds=12)
"""A reading older than this is called stale: some turns, and a slow answer."""


def header(seen: Seen, now: datetime, width: int, most: int = 3) -> list[Text]:
    """Whether it is live and the monitor well, what time it is, and how the account stands.

    What is wrong takes at most so many lines: the strays are not to be pushed out.
    """
    picture = seen.picture
    if picture is None:
        told = f"no answer: {visible(seen.error)}" if seen.error else "reading the account"
        return [*wrapped(Text(told, style="bold red" if seen.error else ""), width)]
    old = now - picture.read_at
    stale = bool(seen.error) or old > OLD
    wrong = ailment(picture.signs)
    state = Text(" " if width < NARROW else "  ").join(
        [
            Text("\u25a0 stale", "bold red") if stale else Text("\u25cf live", "bold green"),
            _wellness(wrong=bool(wrong), stale=stale),
            Text(f"{now:%H:%M:%S} UTC"),
        ]
    )
    account = picture.observed.account.account_id
    told = f"{picture.observed.stack} {account} {picture.observed.region}"
    told = told if width >= NARROW else account
    lines = [apart(Text(told, style="dim"), state, width), *_stands(picture, now, width)]
    if stale:
        why = Text(_why_stale(seen, picture, old), style="bold red")
        lines += _at_most(wrapped(why, width), most)
    if wrong:
        why = Text(f"{wrong}. {visible(complaints(picture.signs))}", style="bold white on red")
        lines += _at_most(wrapped(why, width), most)
    return lines


def _wellness(*, wrong: bool, stale: bool) -> Text:
    """Of a monitor that is not read now, nobody knows that it is well."""
    if wrong:
        return Text("\u2715 not well", "bold red")
    return Text("? unknown", "yellow") if stale else Text("\u2713 well", "green")


def _at_most(lines: list[Text], most: int) -> list[Text]:
    """The first lines; dots where there are more."""
    if len(lines) > most:
        lines[most - 1].right_crop(1)
        lines[most - 1].append("\u2026")
    return lines[:most]


def _stands(picture: Picture, now: datetime, width: int) -> list[Text]:
    stands = picture.standing
    line = Text(stands.sentence, style="bold red" if stands.overdue else "bold")
    if not stands.strays:
        line.stylize("green")
    if stands.counted_at and stands.percent is not None:
        share = f"{rounded_down(stands.percent):.1f} % in a group"
        line.append(f" \u00b7 {stands.users:,} users \u00b7 {share}", style="not bold default")
        if width >= NARROW:
            line.append(
                f" \u00b7 counted {age(now - stands.counted_at)} ago", style="not bold default dim"
            )
    elif stands.note:
        line.append(f"  {visible(stands.note)}")
    return wrapped(line, width)


def _why_stale(seen: Seen, picture: Picture, old: timedelta) -> str:
    since = f"Stale since {moment(seen.failing_since or picture.read_at, picture.read_at)}"
    if seen.error:
        return f"{since}, trying again: {visible(seen.error)}"
    return f"{since}: AWS was last read {age(old)} ago"
