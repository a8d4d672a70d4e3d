"""The commands of `python -m jobs`; `@command` registers one."""

from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from jobs.services import WorkerServices

CommandFunction = Callable[[WorkerServices, Namespace], Awaitable[bool]]
"""Returns whether it succeeded. Its docstring is the command's help."""


@dataclass(frozen=True)
class Argument:
    """What `ArgumentParser.add_argument` takes."""

    name: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Command:
    run: CommandFunction
    arguments: tuple[Argument, ...]

    def add_arguments(self, parser: ArgumentParser) -> None:
        for argument in self.arguments:
            parser.add_argument(argument.name, **argument.options)


COMMANDS: dict[str, Command] = {}


def argument(name: str, **options: Any) -> Argument:
    return Argument(name, options)


def command(*arguments: Argument) -> Callable[[CommandFunction], CommandFunction]:
    def register(function: CommandFunction) -> CommandFunction:
        COMMANDS[function.__name__] = Command(function, arguments)
        return function

    return register
