"""The speech models there are, and which are on this machine."""

import streamlit as st

from components.boundary import boundary
from components.models import add_model, model_list

st.title("Models", anchor=False)
st.markdown(
    "The **demo** model came with Readback and knows only the words of the sample project. "
    "For real recordings take **small** for a quick result on any computer, or **large-v3-turbo** for the best one "
    "(with a graphics card, or some patience)."
)
with boundary("Models"):
    model_list()
with boundary("Add a model"):
    add_model()
