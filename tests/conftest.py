"""Property tests: no deadline (a busy machine is no bug), and in CI the same examples every time."""

import os

from hypothesis import settings

settings.register_profile("fks", deadline=None, print_blob=True)
settings.register_profile("fks-ci", settings.get_profile("fks"), derandomize=True)
settings.load_profile("fks-ci" if os.environ.get("CI") else "fks")
