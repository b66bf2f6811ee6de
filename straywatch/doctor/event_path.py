"""Hear: whether every IAM call that matters reaches the functions, and nothing gets lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chalicelib.domain.partitions import HOME_REGIONS
from straywatch.doctor.drift import drifting, unjudged
from straywatch.doctor.lines import Line, failed, passed, unread, warned
from straywatch.doctor.trails import judge_trails
from straywatch.doctor.version import version
from straywatch.doctor.world import World

_WAIT = "wait until CloudFormation is done, then run the doctor again"


def hearing(world: World) -> Iterator[Line]:
    """Judge the way from IAM to the functions."""
    yield _region(world)
    yield _stack(world)
    yield from version(world)
    yield judge_trails(world)
    yield from drifting(world, "hear")
    yield from unjudged(world)


def _region(world: World) -> Line:
    home = HOME_REGIONS.get(world.account.partition)
    if home is None:
        return unread("region", f"partition {world.account.partition}'s home region is not known")
    if world.region != home:
        seen = f"IAM's events never arrive in {world.region}"
        deploy = replace(world.invocation, region=home).straywatch("deploy")
        return failed("region", seen, advice=f"deploy in {home}: {deploy}")
    return passed("region", f"{home} hears IAM's events in partition {world.account.partition}")


def _stack(world: World) -> Line:
    status, deploy = world.stack.status, world.invocation.straywatch("deploy")
    seen = f"{world.stack.name} is in {status}"
    if status.endswith("_IN_PROGRESS"):
        return warned("stack", seen, advice=_WAIT)
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return passed("stack", seen)
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return warned("stack", f"{seen}: the last update failed", deploy)
    return failed("stack", f"{seen}: {world.stack.reason or 'no reason told'}", deploy)
