"""The steps of the recipe, each reading and writing one work folder, so that any of them can be run again alone."""

import json
import logging
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from core.demo.training.card import model_card
from core.demo.training.errors import MissingToolError, TrainingError
from core.demo.training.labels import load_labels, make_labels, save_labels
from core.demo.training.text import Corpus

log = logging.getLogger(__name__)

_TORCH_HINT = (
    "Training needs PyTorch and transformers, which the app does not: pip install -e '.[training]' "
    "(or torch, transformers and tokenizers), then try again."
)
_DEMO = Path(__file__).parents[1]
_CARD, _FIGURES, _HISTORY = "README.md", "evaluation.json", "training.json"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line asks for."""

    out: Path
    #: Hours of speech to synthesise.
    hours: float = 36.0
    #: Training budget in minutes of wall clock.
    minutes: float = 90.0
    #: Checkpoint file or converted folder to go on from; None trains from scratch.
    init_from: Path | None = None
    #: Peak learning rate; None takes 1.1e-3 from scratch and 7e-4 otherwise.
    rate: float | None = None
    processes: int = 2
    device: str = "cpu"
    seed: int = 0
    #: Readings of every held-out sentence in the evaluation.
    readings: int = 3
    #: Held-out sentences to evaluate on; None takes all.
    sentences: int | None = None
    max_steps: int | None = None
    batch_scale: float = 1.0

    def smoke(self) -> "Options":
        """The whole chain in a minute or two, with a useless model at its end."""
        return replace(
            self, hours=0.02, minutes=5.0, max_steps=4, processes=1, readings=1, sentences=1, batch_scale=0.2
        )

    @property
    def pools(self) -> list[Path]:
        """Pool folders there are."""
        return sorted(path.parent for path in self.out.glob("pool-*/sentences.jsonl"))

    @property
    def tokenizer(self) -> Path:
        """The tokenizer in use."""
        return self.out / "tokenizer.json"

    @property
    def model(self) -> Path:
        """The converted model."""
        return self.out / "model"

    @property
    def checkpoint(self) -> Path:
        """The training state."""
        return self.out / "train.pt"


def synthesise(options: Options) -> None:
    """Tokenizer, labels and pools of spoken sentences."""
    from core.demo.training.espeak import Espeak
    from core.demo.training.pool import synthesise_pool
    from core.demo.training.tokenizer import build_tokenizer

    options.out.mkdir(parents=True, exist_ok=True)
    corpus = Corpus()
    inherited = options.init_from / "tokenizer.json" if options.init_from and options.init_from.is_dir() else None
    if inherited:
        shutil.copyfile(inherited, options.tokenizer)
    else:
        build_tokenizer(corpus).save(str(options.tokenizer))
    save_labels(make_labels(corpus, Espeak()), options.out / "labels.json")
    share = options.hours / options.processes
    folders = [options.out / f"pool-{number}" for number in range(options.processes)]
    seeds = [options.seed * 1000 + number for number in range(options.processes)]
    # A fresh process each: eSpeak NG keeps global state, and this process has already started it.
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as workers:
        seconds = sum(workers.map(synthesise_pool, folders, [share] * options.processes, seeds))
    log.info("%.1f h of speech in %s", seconds / 3600, options.out)


def train(options: Options) -> None:
    """Train for the budget, going on where an earlier call with the same folder was stopped."""
    try:
        from core.demo.training.train import TrainOptions
        from core.demo.training.train import train as run
    except ModuleNotFoundError as error:
        raise MissingToolError(_TORCH_HINT) from error
    if not options.pools:
        raise TrainingError(f"There is no synthesised speech in {options.out}: run the synthesise stage first.")
    run(
        TrainOptions(
            pools=tuple(options.pools),
            tokenizer=options.tokenizer,
            labels=load_labels(options.out / "labels.json"),
            checkpoint=options.checkpoint,
            minutes=options.minutes,
            init_from=options.init_from,
            rate=options.rate or (7e-4 if options.init_from else 1.1e-3),
            processes=options.processes,
            device=options.device,
            seed=options.seed,
            max_steps=options.max_steps,
            batch_scale=options.batch_scale,
        )
    )


def _history(options: Options, steps: int, minutes: float) -> list[str]:
    """What these weights have been through: the parent's history and this run."""
    from core.demo.training.pool import Pool

    parent = (options.init_from / _HISTORY) if options.init_from and options.init_from.is_dir() else None
    before: list[str] = json.loads(parent.read_text(encoding="utf-8")) if parent and parent.exists() else []
    if options.init_from and not before:
        before = [f"An earlier model ({options.init_from.name}) of the same shape, of which nothing else is recorded."]
    pool = Pool(options.pools)
    verb = "Trained on" if options.init_from else "Trained from scratch"
    return [
        *before,
        f"{verb} for {minutes:.0f} minutes ({steps} steps, {options.processes} processes, {options.device}) on "
        f"{pool.hours:.1f} h of speech, {len(pool)} sentences; the learning rate fell from "
        f"{options.rate or (7e-4 if options.init_from else 1.1e-3):.1e} to 2 % of that.",
    ]


def convert(options: Options) -> None:
    """Checkpoint to a folder faster-whisper loads."""
    try:
        from core.demo.training import checkpoint
        from core.demo.training.convert import convert as run
        from core.demo.training.network import Shape
    except ModuleNotFoundError as error:
        raise MissingToolError(_TORCH_HINT) from error
    if not options.checkpoint.exists():
        raise TrainingError(f"There is no {options.checkpoint.name} in {options.out}: run the train stage first.")
    state = checkpoint.load(options.checkpoint)
    labels = load_labels(options.out / "labels.json")
    vocabulary = len(state["weights"]["model.decoder.embed_tokens.weight"])
    shape = Shape(vocabulary=vocabulary, words=len(labels.words), phones=labels.phone_count)
    run(state["weights"], shape, options.tokenizer, options.model)
    history = _history(options, state["step"], state["seconds"] / 60)
    (options.model / _HISTORY).write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")


def evaluate(options: Options) -> None:
    """Measure the converted model and write its figures and card."""
    from core.demo.training.evaluate import evaluate as run
    from core.demo.training.evaluate import save_figures

    figures = run(options.model, times=options.readings, limit=options.sentences)
    save_figures(figures, options.model / _FIGURES)
    card(options.model)


def lineage(folder: Path) -> str:
    """How the weights in a model folder were trained, as a numbered list."""
    history = json.loads((folder / _HISTORY).read_text(encoding="utf-8"))
    return "\n".join(f"{number}. {step}" for number, step in enumerate(history, 1))


def card(folder: Path) -> None:
    """Write the card from the figures and history beside it."""
    figures = json.loads((folder / _FIGURES).read_text(encoding="utf-8"))
    (folder / _CARD).write_text(model_card(figures, lineage(folder)), encoding="utf-8")


def sample(options: Options) -> None:
    """Synthesise the sample recordings, and the held-out ones that the tests use."""
    from core.demo.training.check import write_check
    from core.demo.training.sample import write_sample

    # In fresh processes: eSpeak NG keeps traces of earlier voices, and these files are to come out the same.
    for write, folder in ((write_sample, "sample"), (write_check, "check")):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as worker:
            worker.submit(write, options.out / folder).result()


def publish(options: Options) -> None:
    """Copy the model with its card, and the sample, to where the app ships them from."""
    for source, target in ((options.model, _DEMO / "model"), (options.out / "sample", _DEMO / "sample")):
        for file in sorted(source.iterdir()) if source.is_dir() else ():
            shutil.copyfile(file, target / file.name)
            log.info("published %s", target / file.name)


#: Stages by name, in the order `all` runs them; `publish` is only run when asked for.
STAGES = {
    "synthesise": synthesise,
    "train": train,
    "convert": convert,
    "evaluate": evaluate,
    "sample": sample,
    "publish": publish,
}
