"""Run a command that is signalled when its parent dies (Linux's PR_SET_PDEATHSIG).

    python pdeathsig.py <parent's pid> <signal> <user id or -> <group id or -> <command …>

A program of its own: the signal must be set between fork and exec, where Python code may
deadlock if the parent has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def wrapped(
    *command: str,
    last_signal: signal.Signals = signal.SIGTERM,
    user: int | None = None,
    group: int | None = None,
) -> list[str]:
    """The command that runs `command` as a child of this process, as another user if one is given.

    Start it from a thread that outlives it: the kernel watches the thread, not the process.
    """
    identity = ["-" if number is None else str(number) for number in (user, group)]
    options = [str(os.getpid()), str(int(last_signal)), *identity]
    return [sys.executable, "-I", "-S", __file__, *options, *command]


def end_with_parent(last_signal: int = signal.SIGTERM) -> None:
    """Have this process receive `last_signal` when its parent dies; does nothing elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, last_signal)


def main(parent: str, last_signal: str, user: str, group: str, *command: str) -> None:
    if group != "-":
        os.setgroups([])
        os.setgid(int(group))
    if user != "-":
        os.setuid(int(user))
    # After the change of user, at which the kernel forgets the request.
    end_with_parent(int(last_signal))
    if os.getppid() != int(parent):
        sys.exit("The parent has ended already.")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
