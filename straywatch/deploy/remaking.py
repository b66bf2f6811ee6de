"""Has CloudFormation make resources anew that are gone behind its back.

It takes a stack for what its template says, so a resource that somebody deleted is made again only
once it has left the template and come back: two updates of the stack, with its own template.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3

from straywatch.aws.sessions import RETRIES
from straywatch.deploy.artifacts import artifact_bucket
from straywatch.deploy.change_set import create_change_set
from straywatch.deploy.deployment import run_change_set
from straywatch.deploy.stack import Stack, require_deployable
from straywatch.errors import StraywatchError


def remake(
    session: boto3.Session,
    stack: Stack,
    names: Sequence[str],
    *,
    progress: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Make the named resources of the stack anew. Nothing else of the stack changes.

    Raises StraywatchError where the first update would do more than that, and what deploy raises.
    """
    require_deployable(stack)
    cloudformation = session.client("cloudformation", config=RETRIES)
    given = cloudformation.get_template(StackName=stack.name, TemplateStage="Original")
    made = cloudformation.get_template(StackName=stack.name, TemplateStage="Processed")
    bucket = artifact_bucket(session)
    bucket.ensure()
    same: list[Any] = [
        {"ParameterKey": name, "UsePreviousValue": True} for name in sorted(stack.parameters)
    ]
    progress(f"{', '.join(names)}: out of the stack's template, and back into it")
    progress("should this break off half-way, `straywatch deploy` brings back what is missing")
    for template in (without(_document(made["TemplateBody"]), names), given["TemplateBody"]):
        url = bucket.url(bucket.put(_text(template).encode(), ".json"))
        change_set = create_change_set(cloudformation, stack, url, same, sleep)
        touched = {each.logical_id for each in change_set.preview.changes}
        if touched - set(names):
            change_set.discard()
            others = ", ".join(sorted(touched - set(names)))
            raise StraywatchError(f"this would change {others}, too: nothing was changed")
        run_change_set(cloudformation, change_set, progress, sleep)


def without(template: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The template without these resources, and without a word that they are waited for."""
    resources = {
        name: _independent(each, names)
        for name, each in template["Resources"].items()
        if name not in names
    }
    return {**template, "Resources": resources}


def _independent(resource: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Any]:
    needs = resource.get("DependsOn", [])
    left = [each for each in ([needs] if isinstance(needs, str) else needs) if each not in names]
    return {**resource, "DependsOn": left} if needs else resource


def _document(body: Any) -> Mapping[str, Any]:  # noqa: ANN401 - text or what boto3 made of it
    document: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
    return document


def _text(template: object) -> str:
    return template if isinstance(template, str) else json.dumps(template)
