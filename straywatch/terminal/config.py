"""The operator's own settings: what need not be typed again and again.

A TOML file, `~/.config/straywatch/config.toml` or what STRAYWATCH_CONFIG names:

    stage = "test"
    profile = "security-audit"
    region = "us-east-1"
    exemptions = "exemptions.json"   # for `audit` and `check`; beside this file

An option goes before the environment, and the environment before this file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from straywatch.errors import WrongUsageError
from straywatch.text import one_line

KEYS = ("stage", "profile", "region", "exemptions")
_SUBCOMMANDS = ("add", "check", "list", "put", "remove", "show")


def read_config(environment: Mapping[str, str]) -> dict[str, str]:
    """Read the file; without one nothing is set. Raises WrongUsageError for a wrong one."""
    named = environment.get("STRAYWATCH_CONFIG")
    path = Path(named) if named else _usual(environment)
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named:
            raise WrongUsageError(f"STRAYWATCH_CONFIG names {path}, which is not there") from None
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise WrongUsageError(f"{path}: {one_line(error)}") from error
    for key, value in found.items():
        if key not in KEYS:
            raise WrongUsageError(f"{path}: {key!r} is unknown; known are {', '.join(KEYS)}")
        if not isinstance(value, str) or not value:
            raise WrongUsageError(f"{path}: {key} must be text, and not empty")
    if "exemptions" in found:
        found["exemptions"] = str(path.parent / Path(found["exemptions"]).expanduser())
    return found


def credentials_of(config: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The file's profile and region, unless the environment says whose credentials or where."""
    whose = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID")
    said = {"profile": whose, "region": ("AWS_REGION", "AWS_DEFAULT_REGION")}
    return {
        key: config[key]
        for key, names in said.items()
        if key in config and not any(environment.get(name) for name in names)
    }


def defaults_of(config: Mapping[str, str], commands: Iterable[str]) -> dict[str, object]:
    """What the file says for options of commands, as click looks for it."""
    own = {key: config[key] for key in ("stage", "exemptions") if key in config}
    return {name: own | dict.fromkeys(_SUBCOMMANDS, own) for name in commands} if own else {}


def _usual(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_CONFIG_HOME") or os.path.join(  # noqa: PTH118 - of what may be unset
        environment.get("HOME", ""), ".config"
    )
    return Path(home, "straywatch", "config.toml")
