"""The exemptions in force: whether they can be read, and whether they leave anybody to watch."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.account import User
from chalicelib.domain.exemptions import Exempt, Exemptions, InvalidConfigurationError, parse
from chalicelib.times import in_utc
from straywatch.doctor.lines import Line, failed, passed, unread, untold, warned
from straywatch.doctor.world import Gone, Unread, World
from straywatch.text import one_line

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789+=,.@-_"
"""What IAM lets a name begin with, case aside."""


def exempted(world: World) -> Line:
    """Judge the exemptions that are configured."""
    check = "exemptions"
    name = world.stack.outputs.get("ConfigParameterName", "")
    if not name:
        deploy = world.invocation.straywatch("deploy")
        return failed(check, "the stack names no parameter for them", deploy)
    answer = world.ask("ssm", "get_parameter", Name=name, WithDecryption=True)
    if isinstance(answer, Unread):
        return unread(check, answer.why)
    if isinstance(answer, Gone):
        return passed(check, f"none by configuration ({name} is not there); tags exempt")
    try:
        exemptions = parse(answer["Parameter"]["Value"])
    except InvalidConfigurationError as error:
        seen = f"{name} is refused, an older one is in force: {error}"
        return failed(check, seen, advice=_put(world))
    except KeyError as error:
        return untold(check, f"the parameter came without {error}")
    if _leave_nobody(exemptions, world):
        return failed(check, f"{name} exempts everybody: nobody is watched", advice=_put(world))
    pause, now = exemptions.pause, world.clock()
    if pause and pause.is_in_force(now):
        seen = f"alerts are paused until {in_utc(pause.until)} by {pause.by}: {pause.reason}"
        return warned(check, one_line(seen), world.invocation.straywatch("resume"))
    return passed(check, f"{name} is valid: {len(exemptions.rules)} by configuration")


def _put(world: World) -> str:
    put = world.invocation.straywatch("exemptions put", "FILE")
    return f"fix the document, then: straywatch exemptions check FILE && {put}"


def _leave_nobody(exemptions: Exemptions, world: World) -> bool:
    """Whether users of whatever name, newly made, are all exempt."""
    now = world.clock()
    return all(
        isinstance(exemptions.match(_user(f"{letter}7q", now), now), Exempt) for letter in _LETTERS
    )


def _user(name: str, now: datetime) -> User:
    return User(user_id="AIDASTRAYWATCHDOCTOR", name=name, arn="", path="/", created_at=now)
