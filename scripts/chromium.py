"""Where this machine has a Chromium, which drives the dashboard in tests and for screenshots."""

from __future__ import annotations

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "no Chromium on this machine (Debian: apt-get install chromium)"
FLAGS = (
    "--no-sandbox",  # which refuses to run as root; only pages of our own are opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str:
    """The path of the first Chromium there is, or "" where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), "")
