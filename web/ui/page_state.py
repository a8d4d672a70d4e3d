"""Mixins that the states of several pages share."""

from collections.abc import Generator
from contextlib import contextmanager

import reflex as rx

from web.client.api import ApiProblem
from web.client.session import page_is_open


class LoadedPage(rx.State, mixin=True):
    """The state of a page that loads its content from the API."""

    ready: bool = False
    """Whether an attempt to load has ended, well or not."""
    missing: bool = False
    """Whether the API answered 404, so that there is nothing at this address."""
    problem: str = ""
    """Why the content could not be loaded; empty when it could."""

    @contextmanager
    def _loading(self) -> Generator[None]:
        """Record the outcome of the requests made within the `with` block."""
        self.missing, self.problem = False, ""
        try:
            yield
        except ApiProblem as error:
            self.missing = error.problem.status == 404
            self.problem = error.problem.detail
        self.ready = True


class Watcher(rx.State, mixin=True):
    """The state of a page with a background event that follows a stream."""

    _run: int = 0
    """The number of the latest watcher. Only that one may change the state; others end."""

    def _new_run(self) -> int:
        self._run += 1
        return self._run

    async def _is_current(self, run: int) -> bool:
        """Whether this is the latest watcher and its page still open."""
        return self._run == run and await page_is_open(self)
