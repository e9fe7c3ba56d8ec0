"""Programs that measure. Each prints ratios against a named alternative, both taken in the same run.

Run one with ``python -m tests.bench.NAME`` (``make bench`` runs them all). None is a test: nothing here passes or fails
by the clock.
"""
