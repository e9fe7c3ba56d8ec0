"""The pure domain: transcripts, windows, subtitles, peaks. No I/O, no framework, nothing from the rest of core."""
