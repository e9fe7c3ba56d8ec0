"""Reading media files of unknown origin."""

from core.infra.audio.reader import PyAvAudioReader

__all__ = ["PyAvAudioReader"]
