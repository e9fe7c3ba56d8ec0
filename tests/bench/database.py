"""Queries on a large library: 35,000 recordings, one million segments, ten million words.

    python -m tests.bench.database [--database-url URL] [--recordings 35000] [--segments 1000000]

Prints the median and 95th percentile of the calls the pages make, and of a whole rerun of the Library page, each beside
the same call on a library of a hundredth of the size: the ratio says how the query grows.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import insert

from core.bootstrap import Workbench, build_workbench
from core.infra.logs import configure_logging
from core.infra.tables import Config, Job, Project, Recording, Run, SegmentRow, TranscriptRow
from core.settings import Settings
from core.speech.config import TranscriptionConfig
from core.speech.packing import pack_words
from core.speech.transcript import Segment, Word
from tests.bench.measure import ROOT, Spread, machine, repeat

_VOCABULARY = (
    "the",
    "old",
    "keeper",
    "lived",
    "in",
    "a",
    "stone",
    "house",
    "near",
    "harbour",
    "walked",
    "down",
    "water",
)
_WORDS_PER_SEGMENT = 10


def fill(workbench: Workbench, *, recordings: int, segments: int, projects: int = 50) -> None:
    """Fills the library with rows as import and transcription write them; the audio files themselves are not there."""
    chance = random.Random(0)
    begin = datetime.now(UTC) - timedelta(minutes=recordings)  # one a minute until now
    config = TranscriptionConfig(model="demo")
    per_recording = segments // recordings
    blobs = [_segment(chance) for _ in range(200)]
    with workbench.database.write() as session:
        params = config.model_dump(mode="json")
        row = {"id": 1, "kind": "transcription", "fingerprint": config.fingerprint(), "params": params}
        session.execute(insert(Config), [row])
        session.execute(insert(Project), [{"id": n, "title": f"Series {n:03d}"} for n in range(1, projects + 1)])
    for first in range(1, recordings + 1, 1_000):
        numbers = range(first, min(first + 1_000, recordings + 1))
        with workbench.database.write() as session:
            session.execute(insert(Recording), [_recording(n, projects, begin, chance) for n in numbers])
            session.execute(
                insert(Run), [{"id": n, "recording_id": n, "config_id": 1, "language": "en"} for n in numbers]
            )
            session.execute(insert(TranscriptRow), [
                {"id": n, "recording_id": n, "run_id": n, "complete": True, "word_count": 10 * per_recording}
                for n in numbers
            ])  # fmt: skip
            session.execute(insert(Job), [
                {"kind": "transcribe", "state": "completed", "recording_id": n, "created_at": at, "finished_at": at}
                for n in numbers
                for at in (begin + timedelta(minutes=n),)
            ])  # fmt: skip
            session.execute(insert(SegmentRow), [
                {"transcript_id": n, "position": k, "start_ms": 4_000 * k, "end_ms": 4_000 * k + 3_900,
                 "text": blobs[(n + k) % 200][0], "words": blobs[(n + k) % 200][1]}
                for n in numbers for k in range(per_recording)
            ])  # fmt: skip


def _segment(chance: random.Random) -> tuple[str, bytes]:
    texts = [chance.choice(_VOCABULARY) for _ in range(_WORDS_PER_SEGMENT)]
    words = tuple(
        Word(text=text, start_ms=390 * n, end_ms=390 * n + 350, probability=0.9) for n, text in enumerate(texts)
    )
    text = " ".join(texts)
    return text, pack_words(Segment(start_ms=0, end_ms=3_900, text=text, words=words))


def _recording(number: int, projects: int, begin: datetime, chance: random.Random) -> dict[str, object]:
    name = f"{chance.choice(_VOCABULARY)} {chance.choice(_VOCABULARY)} {number:05d}.wav"
    return {
        "id": number, "project_id": 1 + number % projects, "position": number // projects, "name": name,
        "name_folded": name.casefold(), "sha256": f"{number:064x}", "size_bytes": 10**7,
        "duration_ms": chance.randrange(10_000, 3_600_000), "container": "wav", "codec": "pcm_s16le",
        "sample_rate_hz": 44_100, "channels": 1, "media_key": f"m/{number}", "peaks_key": f"p/{number}", "notes": [],
        "created_at": begin + timedelta(minutes=number),
    }  # fmt: skip


def calls(workbench: Workbench, recordings: int) -> dict[str, Callable[[], object]]:
    """The calls the pages make, each on another place of the library every time."""
    chance = random.Random(1)
    library, transcription = workbench.library, workbench.transcription
    return {
        "library page, all, newest first": lambda: library.list_recordings(
            sort="created", descending=True, limit=50, offset=chance.randrange(0, max(1, recordings - 50))
        ),
        "library page, one project, in order": lambda: library.list_recordings(
            project_id=chance.randrange(1, 51), sort="position", limit=50
        ),
        "library page, by duration": lambda: library.list_recordings(sort="duration", limit=50),
        "search by name": lambda: library.list_recordings(
            search=f"{chance.choice(_VOCABULARY)} {chance.randrange(10)}", limit=50
        ),
        "list of projects": lambda: library.list_projects(),
        "segment page": lambda: transcription.segments(chance.randrange(1, recordings + 1), offset=0, limit=200),
        "queue overview": lambda: workbench.system.overview(),
    }


def page_rerun(workbench: Workbench, page: str, **address: str) -> Callable[[], object]:
    """A rerun of the whole app script with this page at this address, without a browser."""
    from streamlit.testing.v1 import AppTest

    from components import resources

    resources.provide(workbench)
    app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    app.switch_page(page).run()
    # A component that failed is no page; only the audio files are known to be missing.
    failed = [error.value for error in app.error if "stored file has gone" not in error.value]
    assert not failed, failed
    assert not app.exception, app.exception
    return app.run


def measure(folder: Path, database_url: str, recordings: int, segments: int) -> dict[str, Spread]:
    """Times of all calls on a library of this size, in milliseconds."""
    settings = Settings(data_dir=folder, database_url=database_url, workers=0)
    configure_logging(level="ERROR", form="json")
    workbench = build_workbench(settings)
    workbench.start(workers=False)
    fill(workbench, recordings=recordings, segments=segments)
    times = {name: repeat(call, 200) for name, call in calls(workbench, recordings).items()}
    times["rerun of the Library page, projects"] = repeat(page_rerun(workbench, "library.py"), 40)
    times["rerun of the Library page, one project"] = repeat(page_rerun(workbench, "library.py", project="1"), 40)
    times["rerun of the Recording page"] = repeat(page_rerun(workbench, "recording.py", recording="1"), 40)
    times["rerun of the System page"] = repeat(page_rerun(workbench, "system.py"), 40)
    workbench.stop()
    return {name: Spread(values=tuple(1_000 * value for value in spread.values)) for name, spread in times.items()}


def apart(*arguments: object) -> dict[str, Spread]:
    """`measure` in a process of its own: pages keep the Workbench they first met for as long as the process lives."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as executor:
        return executor.submit(measure, *arguments).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL database; default: SQLite files")
    parser.add_argument("--recordings", type=int, default=35_000)
    parser.add_argument("--segments", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as large:
        hundredth = options.recordings // 100, options.segments // 100
        tiny = {} if options.database_url else apart(Path(small), "", *hundredth)
        full = apart(Path(large), options.database_url, options.recordings, options.segments)
    print(f"{machine()}; {options.recordings} recordings, {options.segments} segments\n")
    print("| call | median ms | p95 ms | median over a hundredth of the library |")
    print("|---|---|---|---|")
    for name, spread in full.items():
        growth = f"{spread.median / tiny[name].median:.2f}" if name in tiny else "-"
        print(f"| {name} | {spread.median:.2f} | {spread.p95:.2f} | {growth} |")


if __name__ == "__main__":
    main()
