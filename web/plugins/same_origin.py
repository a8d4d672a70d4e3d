"""Build plugin: a page connects to the server it was loaded from, on any host and port."""

from pathlib import Path
from typing import Any

from reflex.plugins import Plugin

ORIGIN = '(globalThis.location?.origin??"http://localhost")'


def rewrite(script: str, api_url: str) -> tuple[str, int]:
    """The script with each address below `api_url` made relative to the page, and how many."""
    http = api_url.rstrip("/")
    ws = http.replace("http", "ws", 1)
    count = 0
    for quote in "\"'`":
        for address, origin in ((ws, f'{ORIGIN}.replace(/^http/,"ws")'), (http, ORIGIN)):
            baked = f"{quote}{address}/"
            count += script.count(baked)
            script = script.replace(baked, f"{origin}+{quote}/")
    return script, count


class SameOriginPlugin(Plugin):
    """Replaces the backend address that Reflex writes into the bundle by the page's own origin."""

    def post_build(self, **context: Any) -> None:
        from reflex.config import get_config

        static_dir: Path = context["static_dir"]
        replaced = 0
        for path in static_dir.rglob("reflex-env-*.js"):
            script, count = rewrite(path.read_text(), get_config().api_url)
            path.write_text(script)
            replaced += count
        if not replaced:
            raise RuntimeError("No backend address found in the bundle: pages would not connect.")
