"""What a stray can do and sign in with, read from IAM for its risk and for nothing else.

A call that fails leaves its fact unknown: the alert goes out all the same and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from chalicelib.adapters.authorization_details import answers, default_version
from chalicelib.adapters.credential_report import (
    CredentialReport,
    Credentials,
    ReportNotReadyError,
    fetch,
    order,
)
from chalicelib.adapters.iam_pages import FAILURES, listed, pages
from chalicelib.domain.account import User
from chalicelib.domain.risk import AccessKey, Facts
from chalicelib.log import log

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

T = TypeVar("T")


def report_facts(
    client: IAMClient, strays: Sequence[User], sleep: Callable[[float], None], patience: float
) -> Callable[[User], Facts]:
    """What one credential report and the snapshot tell of any number of users.

    Two calls, a few more while AWS writes the report and where customer managed policies are
    attached. A report that cannot be had within `patience` seconds, or is older than a user, leaves
    that user's credentials unknown.
    """
    documents: Mapping[str, object] = {}
    report: CredentialReport | None = None
    try:
        order(client)
        wanted = customers_policies(strays)
        documents = read_documents(client, wanted) if wanted else {}
        report = fetch(client, sleep, patience)
    except (*FAILURES, ReportNotReadyError) as error:
        log("credential_report_unread", error=str(error))
    return lambda user: facts_of(user, documents, report)


def customers_policies(strays: Iterable[User]) -> frozenset[str]:
    """Which documents are worth reading: AWS's own policies are judged by name."""
    named = (arn for stray in strays for arn in (*stray.attached_policies, stray.boundary_arn))
    return frozenset(arn for arn in named if arn and ":iam::aws:" not in arn)


def read_documents(iam: IAMClient, wanted: frozenset[str]) -> dict[str, object]:
    """Read the default versions of customer managed policies, 1,000 policies a call.

    Raises as `iam_pages.pages` does.
    """
    return {
        policy["Arn"]: version["Document"]
        for answer in answers(iam, ["LocalManagedPolicy"])
        for policy in answer.get("Policies", ())
        if policy["Arn"] in wanted and (version := default_version(policy))
    }


def facts_of(user: User, documents: Mapping[str, object], report: CredentialReport | None) -> Facts:
    """Put together what is known of a user with whom its policies came."""
    credentials = report.of(user.name, user.created_at) if report else Credentials()
    return Facts(
        user_arn=user.arn,
        inline=user.inline_policies,
        attached=user.attached_policies,
        documents=documents,
        keys=credentials.keys,
        console_password=credentials.console_password,
        mfa=credentials.mfa,
        boundary_arn=user.boundary_arn,
    )


@dataclass(frozen=True, slots=True)
class CredentialReader:
    """Reads a user's policies and credentials; `client` should give up within seconds."""

    client: IAMClient

    def facts(self, user: User) -> Facts:
        """What is known of the user; what could not be read is None or missing."""
        name = user.name
        inline: Mapping[str, object] | None = user.inline_policies
        attached: tuple[str, ...] | None = user.attached_policies
        if user.groups is None:  # whoever tells the groups told the policies along with them
            inline, attached = self._known(self._inline, name), self._known(self._attached, name)
        return Facts(
            user_arn=user.arn,
            inline=inline,
            attached=attached,
            documents=self._documents(attached or (), user.boundary_arn),
            keys=self._known(self._keys, name),
            console_password=self._known(self._has_password, name),
            mfa=self._known(self._has_mfa, name),
            boundary_arn=user.boundary_arn,
        )

    def _known(self, read: Callable[[str], T], name: str) -> T | None:
        try:
            return read(name)
        except FAILURES as error:
            log("risk_fact_unread", fact=read.__name__, error=str(error))
            return None

    def _inline(self, name: str) -> dict[str, object]:
        return {
            policy: self.client.get_user_policy(UserName=name, PolicyName=policy)["PolicyDocument"]
            for page in pages(self.client, "list_user_policies", UserName=name)
            for policy in listed(page, "PolicyNames")
        }

    def _attached(self, name: str) -> tuple[str, ...]:
        read = pages(self.client, "list_attached_user_policies", UserName=name)
        return tuple(p["PolicyArn"] for page in read for p in listed(page, "AttachedPolicies"))

    def _documents(self, attached: tuple[str, ...], boundary: str | None) -> dict[str, object]:
        """The documents of the customer's own policies; AWS's are judged by their names."""
        arns = [arn for arn in (*attached, boundary or "") if ":iam::aws:" not in arn and arn]
        read = {arn: self._known(self._document, arn) for arn in arns}
        return {arn: document for arn, document in read.items() if document is not None}

    def _document(self, arn: str) -> object:
        version = self.client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = self.client.get_policy_version(PolicyArn=arn, VersionId=version)
        return answer["PolicyVersion"]["Document"]

    def _keys(self, name: str) -> tuple[AccessKey, ...]:
        return tuple(
            AccessKey(active=key["Status"] == "Active", created_at=key["CreateDate"])
            for page in pages(self.client, "list_access_keys", UserName=name)
            for key in listed(page, "AccessKeyMetadata")
        )

    def _has_password(self, name: str) -> bool:
        try:
            self.client.get_login_profile(UserName=name)
        except self.client.exceptions.NoSuchEntityException:
            return False
        return True

    def _has_mfa(self, name: str) -> bool:
        read = pages(self.client, "list_mfa_devices", UserName=name)
        return any(listed(page, "MFADevices") for page in read)
