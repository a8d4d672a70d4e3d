"""The build plugin that lets one build run behind any address."""

from pathlib import Path

import pytest

from web.plugins.same_origin import ORIGIN, SameOriginPlugin, rewrite


@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_a_built_in_address_becomes_the_pages_own(quote: str):
    baked = f"const a={quote}http://localhost:8000/ping{quote},b={quote}ws://localhost:8000/_event{quote}"

    script, count = rewrite(baked, "http://localhost:8000")

    assert count == 2
    assert f"{ORIGIN}+{quote}/ping{quote}" in script
    assert f'{ORIGIN}.replace(/^http/,"ws")+{quote}/_event{quote}' in script


def test_other_addresses_stay_as_they_are():
    script = 'fetch("http://localhost:8000.example/x"),"https://example.com/"'

    assert rewrite(script, "http://localhost:8000") == (script, 0)


def test_a_build_without_the_address_is_refused(tmp_path: Path):
    (tmp_path / "reflex-env-abc.js").write_text("export default {}")

    with pytest.raises(RuntimeError, match="would not connect"):
        SameOriginPlugin().post_build(static_dir=tmp_path)
