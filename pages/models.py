"""The speech models there are, and which are on this machine."""

import streamlit as st

from components.boundary import boundary
from components.models import add_model, advice, model_list

st.title("Models", anchor=False)
with boundary("Advice"):
    advice()
with boundary("Models"):
    model_list()
with boundary("Add a model"):
    add_model()
