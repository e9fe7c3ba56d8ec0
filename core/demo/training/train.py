"""The training loop: one process per core, weights averaged now and then, a checkpoint every two minutes.

Single-thread processes beat one process with several threads as soon as anything else runs on the machine: with
OpenMP's barriers a step went from 0.25 s to 1-3 s. For the same reason they do not wait for each other at every step:
each trains on its own and their weights are averaged every few steps.
"""

import logging
import queue
import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
import torch.distributed as dist

from core.demo.training import checkpoint
from core.demo.training.losses import Losses, losses, total
from core.demo.training.network import Shape, TinyWhisper, start_local
from core.demo.training.pool import Pool
from core.demo.training.schedule import WARM_START, Plan, plan_batch, rate_at
from core.demo.training.targets import Batch, Labels, Targets
from core.demo.training.tokenizer import WordTokens
from core.demo.training.windows import WindowMaker

log = logging.getLogger(__name__)

_SAVE_EVERY_S = 120.0
#: Steps between averaging the processes' weights.
_AVERAGE_STEPS = 8
#: Steps in which fresh heads on a warm-started encoder learn without changing it.
_HEAD_STEPS = 100
_HEAD_RATE = 4e-3


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How long and how hard to train."""

    #: Pool folders written by the synthesise stage.
    pools: tuple[Path, ...]
    tokenizer: Path
    labels: Labels
    #: Checkpoint file; an existing one is continued.
    checkpoint: Path
    #: Wall-clock budget in minutes, over all continuations of this run.
    minutes: float
    #: Checkpoint file or converted folder to start from; None starts from scratch.
    init_from: Path | None = None
    #: Peak learning rate.
    rate: float = 1.1e-3
    processes: int = 2
    device: str = "cpu"
    seed: int = 0
    #: Stop after so many steps whatever the budget says; None for no such limit.
    max_steps: int | None = None
    #: Size of a batch, 1 being made for one CPU core.
    batch_scale: float = 1.0

    @property
    def entry(self) -> float:
        """Where in the from-scratch schedule the run begins."""
        return WARM_START if self.init_from else 0.0


class _Feed:
    """Prepares batches in a thread, a few ahead."""

    def __init__(self, options: TrainOptions, seed: int) -> None:
        pool = Pool(list(options.pools))
        source = random.Random(seed)
        self.tokens = WordTokens(options.tokenizer)
        self._maker = WindowMaker(pool, seed)
        self._targets = Targets(
            self.tokens, options.labels, lambda: pool.entry(source.randrange(len(pool))).text, seed + 1
        )
        self._plans = random.Random(seed // 1000)  # the same in every process, so that they keep step
        self._scale, self._entry = options.batch_scale, options.entry
        self._ready: queue.Queue[Batch] = queue.Queue(4)
        self.done = 0.0
        if not seed % 1000:
            log.info("%d sentences, %.1f h of speech", len(pool), pool.hours)

    def make(self, plan: Plan) -> Batch:
        """One batch of ``plan``'s make-up."""
        self._maker.augmentation, self._targets.corruption = plan.augmentation, plan.corruption
        windows = [self._maker.draw(plan.frames, plan.fill) for _ in range(plan.count)]
        return self._targets.batch(windows, plan.padded_to)

    def _run(self) -> None:
        while True:
            self._ready.put(
                self.make(plan_batch(self._entry + (1 - self._entry) * self.done, self._plans, self._scale))
            )

    def start(self) -> None:
        """Begin preparing; the thread ends with the process."""
        threading.Thread(target=self._run, name="feed", daemon=True).start()

    def next(self) -> Batch:
        """The next batch. Raises when none came in five minutes, which means the feeding thread has failed."""
        return self._ready.get(timeout=300)


def _average(parameters: list[torch.nn.Parameter], stop: bool, processes: int) -> bool:
    """Average weights over processes; returns True as soon as any of them wants to stop, in all at once."""
    with torch.no_grad():
        flat = torch.cat([*(parameter.flatten() for parameter in parameters), torch.tensor([float(stop)])])
        dist.all_reduce(flat)
        flat /= processes
        offset = 0
        for parameter in parameters:
            size = parameter.numel()
            parameter.copy_(flat[offset : offset + size].view_as(parameter))
            offset += size
    return bool(flat[-1] > 0)


class _Progress:
    """Collects losses and logs their means."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._since = time.monotonic()

    def add(self, parts: Losses) -> None:
        self._rows.append((*(float(part.detach()) for part in parts[:4]), parts.token_accuracy, parts.frame_accuracy))

    def report(self, step: int, minutes: float, rate: float) -> None:
        means = [fmean(column) for column in zip(*self._rows, strict=True)]
        pace = (time.monotonic() - self._since) / len(self._rows)
        log.info(
            "%.1f min, step %d: tokens %.3f words %.3f phones %.3f looks %.3f; right: tokens %.3f, frames %.3f; "
            "rate %.1e, %.2f s a step",
            *(minutes, step, *means, rate, pace),
        )
        self._rows, self._since = [], time.monotonic()


def _network(options: TrainOptions, feed: _Feed) -> tuple[TinyWhisper, bool]:
    labels = options.labels
    shape = Shape(
        vocabulary=feed.tokens.size,
        words=len(labels.words),
        phones=labels.phone_count,
        dropout=0.0 if options.init_from else 0.05,  # new sentences all the time: a warm start underfits
    )
    network = TinyWhisper(shape)
    if options.init_from:
        return network, checkpoint.warm_start(network, options.init_from)
    sample = feed.make(Plan(count=8, frames=500, fill=False, padded_to=None, augmentation=0.0, corruption=0.0))
    start_local(network, torch.from_numpy(sample.features))
    return network, False


class _Run:
    """One process's share of a training run."""

    def __init__(self, rank: int, options: TrainOptions) -> None:
        state = checkpoint.load(options.checkpoint) if options.checkpoint.exists() else None
        self._rank, self._options = rank, options
        self._step, spent_s = (state["step"], state["seconds"]) if state else (0, 0.0)
        torch.manual_seed(options.seed)
        # A continuation hears new windows.
        self._feed = _Feed(options, 1000 * (options.seed + self._step) + rank)
        self._network, self._fresh_heads = _network(options, self._feed)
        self._network.to(options.device)
        heads = [*self._network.word_head.parameters(), *self._network.phone_head.parameters()]
        body = [p for p in self._network.model.parameters() if p.requires_grad]
        self._parameters = [*body, *heads]
        groups = [{"params": body}, {"params": heads}]
        self._optimiser = torch.optim.AdamW(groups, lr=options.rate, betas=(0.9, 0.98), weight_decay=0.01)
        if state:
            self._network.load_state_dict(state["weights"])
            self._optimiser.load_state_dict(state["optimiser"])
            log.info("going on at step %d, %.1f min", self._step, spent_s / 60)
        if options.processes > 1:
            for parameter in self._network.parameters():
                dist.broadcast(parameter.data, 0)
        torch.manual_seed(options.seed + 100 + self._step + rank)  # dropout differs between processes
        self._started = time.monotonic() - spent_s
        self._progress = _Progress()

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def run(self) -> None:
        """Train until the budget is spent."""
        options, saved, stop = self._options, time.monotonic(), False
        self._feed.done = self._seconds / (options.minutes * 60)
        self._feed.start()
        self._network.train()
        while not stop:
            done = min(1.0, self._seconds / (options.minutes * 60))
            rate = self._update(done)
            alone = options.processes == 1
            averaged = alone or self._step % _AVERAGE_STEPS == 0
            if averaged:
                finished = done >= 1 or self._step >= (options.max_steps or self._step + 1)
                stop = finished if alone else _average(self._parameters, finished, options.processes)
            if self._rank:
                continue
            if self._step % 100 == 0 or stop:
                self._progress.report(self._step, self._seconds / 60, rate)
            if stop or (averaged and time.monotonic() - saved > _SAVE_EVERY_S):
                state = {"seconds": self._seconds, "step": self._step}
                checkpoint.save(options.checkpoint, self._network, self._optimiser, **state)
                saved = time.monotonic()

    def _update(self, done: float) -> float:
        """One step. Returns the learning rate it was taken with."""
        options, self._feed.done = self._options, done
        rate = rate_at(done, self._step, options.rate, 80 if options.init_from else 200)
        listening = self._fresh_heads and self._step < _HEAD_STEPS
        self._network.heads_only_listen = listening
        self._optimiser.param_groups[0]["lr"] = rate
        self._optimiser.param_groups[1]["lr"] = _HEAD_RATE if listening else rate
        parts = losses(self._network, self._feed.next(), self._feed.tokens.end, options.device)
        self._optimiser.zero_grad(set_to_none=True)
        total(parts, options.entry + (1 - options.entry) * done).backward()  # type: ignore[no-untyped-call]  # torch
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimiser.step()
        self._step += 1
        self._progress.add(parts)
        return rate


def _worker(rank: int, options: TrainOptions) -> None:
    if options.processes > 1:
        logging.basicConfig(level=logging.INFO if rank == 0 else logging.WARNING, format="%(asctime)s %(message)s")
        meeting = options.checkpoint.with_suffix(".meet")
        dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=options.processes)
        torch.set_num_threads(1)
    _Run(rank, options).run()
    if options.processes > 1:
        dist.destroy_process_group()


def train(options: TrainOptions) -> None:
    """Train until the budget is spent; the result is ``options.checkpoint``."""
    if options.processes == 1:
        _worker(0, options)
        return
    options.checkpoint.with_suffix(".meet").unlink(missing_ok=True)
    torch.multiprocessing.spawn(_worker, args=(options,), nprocs=options.processes)
