"""Parts that pages are put together from. They show what services say and pass on what the user wants."""
