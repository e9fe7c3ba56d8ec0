"""What ships with the app so that it works at once and offline: a small speech model and a sample to try it on.

`training` makes both again. The model knows only the words of the sample's world, see `model/README.md`.
"""

from pathlib import Path

_HERE = Path(__file__).parent

#: The embedded model, a normal CTranslate2 folder for faster-whisper.
MODEL_DIR = _HERE / "model"
#: The sample project.
SAMPLE_DIR = _HERE / "sample"
#: Narration with retakes, and a second recording with pick-ups.
NARRATION_FILE = SAMPLE_DIR / "narration.flac"
PICKUP_FILE = SAMPLE_DIR / "pickup.flac"
#: The text that was to be read, a sentence a line.
SCRIPT_FILE = SAMPLE_DIR / "script.txt"
#: What is really said: `words` (word, start_ms, end_ms, take) and `takes_to_delete` (start_ms, end_ms, kind).
NARRATION_REFERENCE_FILE = SAMPLE_DIR / "reference.json"
PICKUP_REFERENCE_FILE = SAMPLE_DIR / "pickup.json"

#: How many words the embedded model knows; it hears no others.
KNOWN_WORDS = 561
#: Longest window the embedded model was trained on, in milliseconds.
LONGEST_WINDOW_MS = 10_000
