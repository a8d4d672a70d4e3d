"""ASGI middleware, one class a file; `stack.py` says in which order."""
