"""Projects, and the recordings of one of them."""

from components import dialogs, projects, state
from components.boundary import boundary
from components.bring_in import bring_in
from components.recordings import recordings
from components.transcribe import transcribe_all

project_id = state.selected_project()
if project_id is None:
    with boundary("Projects"):
        projects.overview()
else:
    project = None
    with boundary("Project"):
        project = projects.head(project_id)
    if project is not None:
        with boundary("Add recordings"):
            bring_in(project)
        with boundary("Recordings"):
            recordings(project)
        with boundary("Transcribe all"):
            transcribe_all(project)

with boundary("Dialog"):
    dialogs.answer()
