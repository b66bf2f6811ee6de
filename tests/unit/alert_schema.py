"""The JSON Schema that subscribers build on, as it is published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "alert.schema.json").read_text()
)
