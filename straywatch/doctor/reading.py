"""Reads a resource as it is deployed, by what its kind says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jmespath

from straywatch.doctor.intended import Intended
from straywatch.doctor.kinds.interface import Kind, Look
from straywatch.doctor.world import ApiResponse, Ask, Gone, Unread


def read(ask: Ask, kind: Kind, resource: Intended) -> ApiResponse:
    """Make every look that the kind has; the answers by the looks' names.

    An answer may be Unread: then what it would have told is not known, and the rest is.
    """
    if not resource.physical_id:
        return Gone()
    return kind.read(ask, resource) if kind.read else looked(ask, kind.looks, resource)


def looked(ask: Ask, looks: Mapping[str, Look], resource: Intended) -> ApiResponse:
    """Make looks at a resource, until one tells that it is gone."""
    answers: dict[str, Any] = {}
    for name, look in looks.items():
        answer = _look(ask, look, resource)
        if isinstance(answer, Gone):
            return answer
        answers[name] = answer
    return answers


def _look(ask: Ask, look: Look, resource: Intended) -> ApiResponse:
    own = {
        **{name: value for name, value in resource.properties.items() if isinstance(value, str)},
        "id": resource.physical_id,
        "name": resource.physical_id.rsplit("|", 1)[-1],
        "arn": resource.arn,
    }
    answer = ask(look.service, look.operation, **_filled(look.asked, own))
    if isinstance(answer, Unread):
        return answer
    if look.found and isinstance(answer, Mapping):
        answer = jmespath.search(look.found.format_map(own), answer) or Gone()
    if isinstance(answer, Gone) and look.absent is not None:
        return look.absent
    return answer


def _filled(value: Any, own: Mapping[str, str]) -> Any:  # noqa: ANN401 - parameters of any shape
    if isinstance(value, str):
        return value.format_map(own)
    if isinstance(value, Mapping):
        return {name: _filled(each, own) for name, each in value.items()}
    return [_filled(each, own) for each in value]
