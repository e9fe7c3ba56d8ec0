"""From a transcription's config to what has to be loaded; and the three parts of the model side, wired together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.infra.whisper.catalogue import AddedModels, Catalogue
from core.infra.whisper.devices import DeviceFacts, choose, read_facts
from core.infra.whisper.download import ModelStore
from core.infra.whisper.engine import load_weights
from core.infra.whisper.entries import LoadRequest
from core.infra.whisper.files import fingerprint
from core.infra.whisper.hub import Hub
from core.infra.whisper.pool import LeasePool
from core.ports import OnDownload
from core.settings import Settings
from core.speech.config import TranscriptionConfig


class Resolver:
    """Finds the model a config names, downloads it if it has to, and chooses where it runs."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        store: ModelStore,
        facts: Callable[[], DeviceFacts] = read_facts,
    ) -> None:
        self._settings, self._catalogue, self._store, self._facts = settings, catalogue, store, facts

    def __call__(self, config: TranscriptionConfig, on_download: OnDownload | None = None) -> LoadRequest:
        """What to load.

        Args:
            config: Names the model, and where and how it is to run.
            on_download: Told how far a download is, if there is one; may end it by raising.

        Raises:
            ModelError: Unknown, not to be had, or damaged.
            InvalidInputError: The device or the precision is not possible here.
        """
        settings = self._settings
        spec = self._catalogue.resolve(config.model)
        choice = choose(
            self._facts(),
            device=settings.device if config.device == "auto" else config.device,
            compute_type=settings.compute_type if config.compute_type == "auto" else config.compute_type,
            batch_size=config.batch_size,
            cpu_threads=settings.cpu_threads,
        )
        folder = self._store.ensure(spec, on_download)
        return LoadRequest(
            path=str(folder),
            device=choice.device,
            compute_type=choice.compute_type,
            cpu_threads=choice.cpu_threads,
            name=config.model,
            revision=fingerprint(folder),
            batch_size=choice.batch_size,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Models:
    """The model side: names, files, memory."""

    catalogue: Catalogue
    store: ModelStore
    pool: LeasePool


def build_models(settings: Settings, added: Callable[[], AddedModels] = dict, *, hub: Hub | None = None) -> Models:
    """Wires it together.

    Args:
        settings: Where models are kept, how many may be loaded, where they run.
        added: Reads the names the user added (`core.services.modelling.added_models`).
        hub: Another hub, for tests.
    """
    catalogue = Catalogue(added)
    store = ModelStore(
        settings.resolved_models_dir,
        offline=settings.offline,
        hub=hub,
        min_free_bytes=settings.min_free_disk_bytes,
    )
    pool = LeasePool(
        Resolver(settings, catalogue, store),
        load_weights,
        max_models=settings.max_loaded_models,
        idle_seconds=settings.model_idle_seconds,
    )
    return Models(catalogue=catalogue, store=store, pool=pool)
