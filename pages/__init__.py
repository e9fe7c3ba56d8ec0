"""The pages of the app; `main.py` is the script Streamlit runs and lists the others."""
