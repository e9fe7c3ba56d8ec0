"""How the app is doing: the queue, the workers, the models in memory, the disk."""

import streamlit as st

from components.boundary import boundary
from components.queue_view import jobs, waiting_and_done
from components.system_view import health, workers

st.title("System", anchor=False)

with boundary("Health"):
    health()
st.header("Queue", anchor=False)
with boundary("Queue"):
    waiting_and_done()
    jobs()
st.header("Workers", anchor=False)
with boundary("Workers"):
    workers()
