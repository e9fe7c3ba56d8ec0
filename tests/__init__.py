"""Readback's tests. A package, so that helpers are imported as `tests.<name>` whatever else is installed."""
