"""Where the application lies that is packed and deployed: in the wheel, or in the clone."""

from __future__ import annotations

from pathlib import Path

import chalicelib

_IN_THE_WHEEL = Path(__file__).resolve().parents[1] / "application"
_IN_THE_CLONE = Path(__file__).resolve().parents[2]

SOURCES = _IN_THE_WHEEL if _IN_THE_WHEEL.is_dir() else _IN_THE_CLONE
"""The folder of app.py, .chalice and requirements.txt."""

MONITOR = Path(chalicelib.__file__).resolve().parent
"""The package that app.py imports, beside it in the clone; a wheel installs it for all."""
