"""An exemptions document in a file of the operator's: valid, or refused with every fault."""

from __future__ import annotations

from pathlib import Path

from chalicelib.domain.exemptions import Exemptions, InvalidConfigurationError, parse
from straywatch.errors import WrongUsageError
from straywatch.terminal.files import read
from straywatch.text import one_line


def read_exemptions(path: Path) -> tuple[Exemptions, str]:
    """Read the document, and its text. Raises WrongUsageError if it cannot be put in force."""
    try:
        text = read(path)
        return parse(text), text
    except (InvalidConfigurationError, OSError) as error:
        raise WrongUsageError(f"{path}: {one_line(error)}") from error
