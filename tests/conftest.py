"""How properties are tried: the same cases each time, or any number of new ones.

`pytest --hypothesis-profile=explore` looks further than `make test` has time for.
"""

from __future__ import annotations

from hypothesis import settings

# The machine may be slow; how long a case takes is not what these tests are about.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=3000)
settings.load_profile("steady")
