"""Become another program that ends when its starter does.

    python pdeathsig.py <starter's pid> <signal> <user id or -> <group id or -> <command …>

A program of its own, because the kernel's switch for this must be set between fork and exec,
and Python code there may deadlock when the starter has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def end_with_starter(last_signal: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, last_signal)


def main(starter: str, last_signal: str, user: str, group: str, *command: str) -> None:
    if group != "-":
        os.setgroups([])
        os.setgid(int(group))
    if user != "-":
        os.setuid(int(user))
    if sys.platform == "linux":
        # After the change of user: the kernel forgets the request at that moment.
        end_with_starter(int(last_signal))
        if os.getppid() != int(starter):
            sys.exit("The starter is gone already.")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
