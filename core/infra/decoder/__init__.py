"""What runs inside the child process that reads untrusted media.

Imports only PyAV and `core.errors`, so that it starts fast.
"""
