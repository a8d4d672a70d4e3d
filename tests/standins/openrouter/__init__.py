"""A stand-in for OpenRouter: its wire format on loopback HTTP, with every failure on request.

Run it with `python -m tests.standins.openrouter --port 0`; tests start it with
`tests.standins.openrouter.running.running_openrouter`. The product never imports it.
"""
