"""The command line's commands, a module each; `core.cli` has the table of them."""
