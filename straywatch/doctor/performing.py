"""Makes the calls of a repair, and waits for each to take effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.exceptions import ClientError, WaiterError

from straywatch.aws.sessions import RETRIES
from straywatch.doctor.kinds.interface import Call
from straywatch.doctor.repairing import Perform
from straywatch.doctor.shapes import shaped
from straywatch.errors import StraywatchError, explain


def performing(session: boto3.Session) -> Perform:
    """Make calls with the session's credentials. Raises StraywatchError, naming what failed."""

    def perform(call: Call) -> None:
        client = session.client(call.service, config=RETRIES)  # type: ignore[call-overload] # any service
        try:
            getattr(client, call.operation)(**parameters(client, call))
            if call.until:
                client.get_waiter(call.until.waiter).wait(**call.until.asked)
        except ClientError as error:
            raise StraywatchError(explain(error)) from error
        except WaiterError as error:
            raise StraywatchError(f"{call.operation} takes no effect: {error}") from error

    return perform


def parameters(client: BaseClient, call: Call) -> Mapping[str, Any]:
    """The call's parameters in the types that the client's model has."""
    operation = client.meta.method_to_api_mapping[call.operation]
    shape = client.meta.service_model.operation_model(operation).input_shape
    told: Mapping[str, Any] = shaped(call.parameters, shape) if shape else call.parameters
    return told
