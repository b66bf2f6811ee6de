"""Imports findings into AWS Security Hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_securityhub import SecurityHubClient


@dataclass(frozen=True, slots=True)
class BatchImport:
    """BatchImportFindings, for at most 100 findings a call: the size of the queue's batch."""

    client: SecurityHubClient

    def put(self, findings: list[dict[str, Any]]) -> dict[str, str]:
        """Create or update findings; return the ids of those refused, each with the reason.

        Raises what boto3 raises. A finding that was not taken and not named counts as refused.
        """
        answer = self.client.batch_import_findings(Findings=findings)  # type: ignore[arg-type]  # asff.py builds them, botocore's model checks them
        failed = answer.get("FailedFindings", [])
        refused = {f["Id"]: f"{f['ErrorCode']}: {f['ErrorMessage']}" for f in failed}
        if len(refused) < answer["FailedCount"]:
            return dict.fromkeys((f["Id"] for f in findings), "refused without a name") | refused
        return refused
