"""The settings of this process. Only entry points import this; an import contract checks it."""

import os

from dotenv import load_dotenv

from settings import Settings, load


def load_process() -> Settings:
    """Read the environment and, outside production, `.env`.

    Raises:
        WrongSetting: See `load`.
    """
    if os.environ.get("ENVIRONMENT") != "production":
        load_dotenv()
    return load(os.environ)
