"""SSM Parameter Store, where the exemptions lie."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.simulation.clients import Call, ParameterNotFound, refusal
from tests.simulation.kernel import Kernel, SimulationError, instant
from tests.simulation.truth import Configuration, Truth, configuration_document


class SimulatedSsm:
    """Tells the configuration as its operators left it; nobody has made it at first."""

    def __init__(self, kernel: Kernel, truth: Truth) -> None:
        self._kernel = kernel
        self._truth = truth

    def answer(self, operation: str, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """Tell the parameter."""
        if operation != "get_parameter":
            raise SimulationError(f"SSM's {operation} is not simulated")
        configuration = self._truth.configuration(self._kernel.now)
        if not configuration.broken:
            self._truth.last_read = configuration
        if configuration == Configuration():
            raise refusal("ParameterNotFound", operation, ParameterNotFound)
        text = json.dumps(configuration_document(configuration))
        if configuration.broken:
            text = text[:-1]
        del call  # a parameter is told the same whoever asks
        turns = self._truth.configurations
        number = sum(at <= self._kernel.now for at, _ in turns)
        told = {"Version": number, "LastModifiedDate": instant(turns[number - 1][0])}
        return {"Parameter": {"Name": request["Name"], "Value": text, **told}}
