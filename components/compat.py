"""What is not public in Streamlit but needed, in one place, with the reason."""

from __future__ import annotations

from streamlit import config


def anchor(script: str) -> None:
    """Makes Streamlit look for ``.streamlit/config.toml`` beside this script, wherever the app is started from.

    `streamlit run` does this itself; under another server Streamlit would anchor at the pages' script, and the theme
    and the safe server options would hold only when the working directory happens to be the right one.
    """
    if config._main_script_path is None:
        config._main_script_path = script
