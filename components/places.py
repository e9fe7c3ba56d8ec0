"""The pages' scripts, as `st.switch_page` and `st.page_link` want them: relative to `pages/main.py`."""

LIBRARY = "library.py"
RECORDING = "recording.py"
MODELS = "models.py"
SYSTEM = "system.py"
SETTINGS = "settings.py"
