"""Access to the store in the browser, `client_store.js`, from components and event handlers.

It holds what changes outside the pages' states: live numbers, the clock, secrets shown once.
"""

import json
from typing import Any

import reflex as rx
from reflex.event import Event
from reflex.vars import VarData


def use_store(key: Any, name: str) -> rx.Var:
    """The store's value under a key, as the variable `name`; inside `rx.memo` only."""
    store = "globalThis.factoids"
    hook = (
        f"const {name} = useSyncExternalStore({store}?.listen ?? (() => () => {{}}), "
        f"() => {store}?.get({rx.Var.create(key)!s}), () => undefined)"
    )
    imports = VarData(imports={"react": ["useSyncExternalStore"]}, hooks={hook: None})
    return rx.Var(name, _var_data=VarData.merge(_var_data_of(key), imports))


def live_or(live: rx.Var, field: str, loaded: Any) -> Any:
    """The live value where there is one, else the loaded one."""
    expression = f"({live!s}?.{field} ?? {rx.Var.create(loaded)!s})"
    return rx.Var(expression, _var_data=_var_data_of(live, loaded))


def selector(function: str, *arguments: Any) -> Any:
    """The text that a function of the store computes from these variables."""
    expression = f'(globalThis.factoids?.{_call_text(function, arguments)} ?? "")'
    return rx.Var(expression, _var_data=_var_data_of(*arguments)).to(str)


def store_call(function: str, *arguments: Any) -> rx.Var[str]:
    """A call of the store with variables, for `rx.call_script` in an event trigger."""
    expression = f"factoids.{_call_text(function, arguments)}"
    return rx.Var(expression, _var_data=_var_data_of(*arguments)).to(str)


def feed_href(**query: Any) -> Any:
    """The feed's address with these variables in its query; empty ones are left out."""
    fields = ", ".join(f"{name}: {rx.Var.create(value)!s}" for name, value in query.items())
    search = f"new URLSearchParams(Object.entries({{{fields}}}).filter(([, value]) => value))"
    return rx.Var(f'("/?" + {search})', _var_data=_var_data_of(*query.values())).to(str)


def dispatch(function: str, *arguments: Any) -> Event:
    """A call of the store for a handler to return; the arguments are plain values."""
    values = ", ".join(json.dumps(argument) for argument in arguments)
    payload = {"javascript_code": f"factoids.{function}({values})", "callback": None}
    return Event(name="_call_script", payload=payload)


def _call_text(function: str, arguments: tuple[Any, ...]) -> str:
    return f"{function}({', '.join(str(rx.Var.create(argument)) for argument in arguments)})"


def _var_data_of(*variables: Any) -> VarData | None:
    """The imports and React hooks that these variables need."""
    return VarData.merge(*(rx.Var.create(variable)._get_all_var_data() for variable in variables))
