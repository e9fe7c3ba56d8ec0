"""The use cases. Pages, routes and the command line call these and nothing below them."""
