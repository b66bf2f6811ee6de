"""Deploys a package: upload, preview, approval, change set, outputs; in this order, once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import boto3

from straywatch.aws.sessions import RETRIES
from straywatch.deploy.artifacts import Bucket, artifact_bucket
from straywatch.deploy.change_set import NO_WISHES, ChangeSet, Terms, create_change_set
from straywatch.deploy.packaging import Package
from straywatch.deploy.parameters import choose_parameters
from straywatch.deploy.stack import Stack, read_stack, removal_command, require_deployable
from straywatch.deploy.stack_changes import ChangePreview
from straywatch.deploy.stack_watch import watch
from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

_SUCCESS = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


class NotApprovedError(StraywatchError):
    """The change set was shown and not approved; the stack is as it was."""


def deploy(
    session: boto3.Session,
    package: Package,
    stack_name: str,
    parameters: Mapping[str, str],
    *,
    progress: Callable[[str], None],
    approve: Callable[[ChangePreview], bool],
    terms: Terms = NO_WISHES,
    sleep: Callable[[float], None] = time.sleep,
) -> Mapping[str, str]:
    """Create or update the stack from `package` and return its outputs.

    Parameters that are not given keep their previous values, or take the template's defaults.
    `approve` is shown what would happen, and nothing happens unless it agrees; it is not asked
    if there is nothing to change. Raises NotApprovedError, WrongUsageError for a parameter that
    the template does not take, and StraywatchError when the stack cannot be deployed to or
    the deployment failed, naming the first resource that failed and why.
    """
    cloudformation = session.client("cloudformation", config=RETRIES)
    before = read_stack(cloudformation, stack_name)
    require_deployable(before)
    template: dict[str, Any] = json.loads(package.template.read_bytes())
    chosen = choose_parameters(template.get("Parameters", {}), parameters, before)
    progress("uploading the package")
    template_url = _upload(artifact_bucket(session, terms.bucket), package, template)
    cloudformation.validate_template(TemplateURL=template_url)
    progress("asking CloudFormation what would change")
    change_set = create_change_set(cloudformation, before, template_url, chosen, sleep, terms=terms)
    if change_set.preview.is_empty:
        change_set.discard()
        progress("nothing to change")
        return before.outputs if isinstance(before, Stack) else {}
    _ask(change_set, approve)
    return run_change_set(cloudformation, change_set, progress, sleep)


def locate_code(template: dict[str, Any], bucket: str, key: str) -> dict[str, Any]:
    """Return the template with every function's code taken from `bucket`/`key`."""
    resources = {
        name: (
            resource | {"Properties": resource["Properties"] | {"CodeUri": f"s3://{bucket}/{key}"}}
            if resource["Type"] == "AWS::Serverless::Function"
            else resource
        )
        for name, resource in template["Resources"].items()
    }
    return template | {"Resources": resources}


def _upload(bucket: Bucket, package: Package, template: dict[str, Any]) -> str:
    """Upload code and template; return the template's address."""
    bucket.ensure()
    code = bucket.put(package.archive.read_bytes(), ".zip")
    located = locate_code(template, bucket.name, code)
    return bucket.url(bucket.put(json.dumps(located).encode(), ".json"))


def _ask(change_set: ChangeSet, approve: Callable[[ChangePreview], bool]) -> None:
    try:
        approved = approve(change_set.preview)
    except BaseException:  # an interrupt while it is read must not leave an empty stack behind
        change_set.discard()
        raise
    if not approved:
        change_set.discard()
        raise NotApprovedError("not approved: nothing was changed")


def run_change_set(
    cloudformation: CloudFormationClient,
    change_set: ChangeSet,
    progress: Callable[[str], None],
    sleep: Callable[[float], None],
) -> Mapping[str, str]:
    """Run the change set to its end and return the outputs. Raises StraywatchError if it fails."""
    events = watch(cloudformation, change_set.stack_id, progress, sleep)
    change_set.execute()
    status = events.until_done()
    name = change_set.preview.stack_name
    after = read_stack(cloudformation, change_set.stack_id)
    if status in _SUCCESS and isinstance(after, Stack):
        return after.outputs
    cause = events.first_failure or "CloudFormation gives no reason"
    mend = f"; remove it with `{removal_command(name)}`" if change_set.preview.is_new else ""
    raise StraywatchError(f"stack {name} ended in {status}: {cause}{mend}")
