"""The settings of this test run, from the environment that `tests/conftest.py` prepares."""

import os

from settings import load

settings = load(os.environ)
