"""Forks the product's processes: `python -m tests.fork_server SOCKET`, until its input ends.

To import what a process needs takes four seconds of a processor, and the tests start a hundred of
them. This process imports it once. What it forks is a process like any other: it has a group, an
environment, outputs and an exit code of its own, and it can be stopped, killed and waited for.

Each connection to the socket starts one process. A request is a line of JSON with `command`,
`environment`, `stdout` and `stderr`; the answers are a line with `pid` and, when it has ended, one
with `returncode`. The processes still running when our input ends are killed.
"""

import gc
import json
import os
import random
import runpy
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from selectors import EVENT_READ, DefaultSelector
from typing import Any

# Nothing that reads the settings or draws random numbers while it is imported: all children would
# have the same.
PRELOADED = ("api.app", "jobs.worker", "granian.cli", "granian.server.mp", "saq.__main__")

Program = Callable[[], None]


class ForkServer:
    def __init__(self, address: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen(64)
        self._connections: dict[int, socket.socket] = {}
        """Of the running children, by process id."""

    def serve(self) -> Program | None:
        """Fork until the input ends; returns in each child as well, with what it is to run."""
        ended, signals = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(signals, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with DefaultSelector() as selector:
            for watched in (self._listener, sys.stdin.fileno(), ended):
                selector.register(watched, EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if sys.stdin.fileno() in ready:
                    break
                if ended in ready:
                    os.read(ended, 4096)
                    self._report_ended()
                if self._listener in ready and (program := self._fork()):
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    os.close(ended)
                    os.close(signals)
                    return program
        for pid in self._connections:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        return None

    def _fork(self) -> Program | None:
        """Start what a new connection asks for; in the child, returns what it is to run."""
        connection, _ = self._listener.accept()
        request = json.loads(connection.makefile().readline())
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            return lambda: _become(request)
        # Both do it, so that the group exists before anyone is told of it.
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)
        self._connections[pid] = connection
        _answer(connection, pid=pid)
        return None

    def _report_ended(self) -> None:
        while self._connections:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            connection = self._connections.pop(pid)
            _answer(connection, returncode=os.waitstatus_to_exitcode(status))
            connection.close()


def _answer(connection: socket.socket, **values: int) -> None:
    with suppress(OSError):
        connection.sendall(json.dumps(values).encode() + b"\n")


def _become(request: dict[str, Any]) -> None:
    """Be the process that was asked for, as if it had been started by its command."""
    appending = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    files = [
        (os.devnull, os.O_RDONLY),
        (request["stdout"], appending),
        (request["stderr"], appending),
    ]
    for target, (path, flags) in enumerate(files):
        opened = os.open(path, flags)
        os.dup2(opened, target)
        os.close(opened)
    os.environ.clear()
    os.environ.update(request["environment"])
    random.seed()
    command: list[str] = request["command"]
    sys.argv = command
    match command:
        case ["saq", *_]:
            import_module("saq.__main__").main()
        case ["granian", *_]:
            import_module("granian.cli").entrypoint()
        case ["python", "-m", module, *_]:
            sys.argv = command[2:]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case _:
            sys.exit(f"The fork server does not know the command {command}.")


def main() -> None:
    for module in PRELOADED:
        import_module(module)
    # What is here now stays; children that collect garbage need not copy its pages.
    gc.collect()
    gc.freeze()
    if program := ForkServer(sys.argv[1]).serve():
        program()


if __name__ == "__main__":
    main()
