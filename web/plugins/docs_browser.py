"""Build plugin: the scripts of the API's documentation page, from npm instead of another host."""

import shutil
from pathlib import Path
from typing import Any

from reflex.plugins import Plugin

PACKAGE = "swagger-ui-dist"
FILES = (
    "swagger-ui-bundle.js",
    "swagger-ui.css",
    "favicon-32x32.png",
)

START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#browser",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
});
"""


class DocsBrowserPlugin(Plugin):
    """Puts Swagger UI at `/docs-browser/` of the build, where the API's `/docs` looks for it."""

    def get_frontend_development_dependencies(self, **context: Any) -> list[str]:
        return [f"{PACKAGE}@5.35.0"]

    def post_build(self, **context: Any) -> None:
        from reflex.utils.prerequisites import get_web_dir

        static_dir: Path = context["static_dir"]
        target = static_dir / "docs-browser"
        target.mkdir(exist_ok=True)
        for name in FILES:
            shutil.copyfile(get_web_dir() / "node_modules" / PACKAGE / name, target / name)
        (target / "start.js").write_text(START)
