"""Readback's core: everything that works without a browser. Nothing in here imports Streamlit."""

__version__ = "0.1.0"
