"""Names for new groups: what they give, unique in the account, the same on every run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from straywatch.remediation.planning.universe import Written
from straywatch.remediation.policies.documents import digest
from straywatch.remediation.reading.quotas import GROUP_NAME_LENGTH

NO_PERMISSIONS = "none"
LISTED = 3


GUARD = "guard-"
"""Begins, after the prefix, the names of groups that only deny: who leaves one may do more."""


def name_groups(contents: Iterable[Written], taken: Iterable[str], prefix: str) -> list[str]:
    """Name each group after its managed policies, else after the services it reaches.

    One that only denies is called a guard. A name that would not be unique, case aside, ends in a
    digest of what the group gives.
    """
    contents = list(contents)
    stems = [prefix + GUARD * content.denies_only + _stem(content) for content in contents]
    used = {name.lower() for name in taken}
    counts = Counter(stem.lower() for stem in stems)
    names: list[str] = []
    for stem, content in zip(stems, contents, strict=True):
        name = stem
        if counts[stem.lower()] > 1 or stem.lower() in used or len(stem) > GROUP_NAME_LENGTH:
            name = _longer(stem, content, used)
        used.add(name.lower())
        names.append(name)
    return names


def _longer(stem: str, content: Written, used: set[str]) -> str:
    mark = digest([list(content.attach), list(content.documents)])
    for length in range(6, len(mark) + 1):
        name = f"{stem[: GROUP_NAME_LENGTH - length - 1]}-{mark[:length]}"
        if name.lower() not in used:
            return name
    number = 2
    while f"{name[: GROUP_NAME_LENGTH - 8]}-{number}".lower() in used:
        number += 1
    return f"{name[: GROUP_NAME_LENGTH - 8]}-{number}"


def _stem(content: Written) -> str:
    parts = [arn.rsplit("/", 1)[-1] for arn in content.attach]
    if not parts:
        parts = sorted(_services(content))
    if not parts:
        return NO_PERMISSIONS
    shown = parts[:LISTED] + ([f"{len(parts) - LISTED}more"] if len(parts) > LISTED else [])
    return re.sub(r"[^\w+=,.@-]", "", "+".join(shown), flags=re.ASCII)


def _services(content: Written) -> set[str]:
    found = set()
    for document in content.documents:
        for statement in document["Statement"]:
            actions = statement.get("Action") or ["*"]
            services = {action.partition(":")[0].lower() for action in actions}
            found |= {service.replace("*", "all").replace("?", "") for service in services}
    return found
