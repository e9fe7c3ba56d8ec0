"""Charts, drawn with Plotly, which is imported only when there is something to draw."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.services.records import Throughput

_HEIGHT_PX = 220


def throughput_chart(series: Sequence[Throughput], *, span: str) -> None:
    """What was finished when, as stacked bars.

    Args:
        series: Equal stretches of time, oldest first.
        span: How far back they go, in words; part of the chart's name.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, color, values in (
        ("Done", "#12897f", [item.completed for item in series]),
        ("Failed", "#c8524a", [item.failed for item in series]),
        ("Stopped", "#b87a2a", [item.cancelled for item in series]),
    ):
        if any(values):
            figure.add_bar(name=name, marker_color=color, x=[item.start for item in series], y=values)
    figure.update_layout(
        barmode="stack", height=_HEIGHT_PX, margin={"l": 0, "r": 0, "t": 8, "b": 0}, bargap=0.15,
        legend={"orientation": "h", "y": 1.15},
        yaxis={"title": "Jobs", "rangemode": "tozero", "dtick": 1 if _few(series) else None},
    )  # fmt: skip
    st.plotly_chart(
        figure, key="throughput", config={"displayModeBar": False},
        alt=f"Jobs finished {span.lower()}: {sum(item.completed for item in series)} done, "
        f"{sum(item.failed for item in series)} failed",
    )  # fmt: skip


def _few(series: Sequence[Throughput]) -> bool:
    return max(item.completed + item.failed + item.cancelled for item in series) <= 5
