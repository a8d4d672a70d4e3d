"""Tools for a developer's machine and for CI. The product never imports this package."""
