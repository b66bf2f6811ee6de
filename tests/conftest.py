"""What every test runs in: one environment, whoever runs it, and the same cases each time.

`pytest --hypothesis-profile=explore` looks further than `make test` has time for.
"""

from __future__ import annotations

import os
from functools import cache

import botocore.session
from hypothesis import settings

from tests import aws_model

# The terminal, AWS settings and proxies of whoever runs the tests are not what they are about; a
# test that is about one sets it. Language and time zone stay: nothing may depend on them.
_TERMINALS = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
for _name in tuple(os.environ):
    if _name in _TERMINALS or _name.startswith("AWS_") or _name.lower().endswith("_proxy"):
        del os.environ[_name]
os.environ |= {
    "TERM": "xterm-256color",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "STRAYWATCH_CONFIG": os.devnull,
}

# Each session reads AWS's service models from disk anew, and a test of a command makes a session:
# one reader for all of a process takes a tenth off the adapters' tests.
botocore.session.create_loader = cache(botocore.session.create_loader)

# The machine may be slow; how long a case takes is not what these tests are about.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=3000)
settings.load_profile("steady")

aws_model.install()
