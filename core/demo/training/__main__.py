"""`python -m core.demo.training`: make the embedded model again, from text to a measured int8 model."""

import argparse
import logging
import sys
from pathlib import Path

from core.demo.training.errors import TrainingError
from core.demo.training.stages import STAGES, Options

log = logging.getLogger("core.demo.training")


def _parser() -> argparse.ArgumentParser:
    defaults = Options(out=Path())
    parser = argparse.ArgumentParser(prog="python -m core.demo.training", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="work folder; a stopped run goes on where it was")
    parser.add_argument(
        "--stage",
        choices=["all", *STAGES],
        action="append",
        help="what to do, may be given several times; all (the default) is everything but publish",
    )
    parser.add_argument("--hours", type=float, default=defaults.hours, help="hours of speech to synthesise")
    parser.add_argument("--minutes", type=float, default=defaults.minutes, help="training budget, wall clock")
    parser.add_argument("--init-from", type=Path, help="checkpoint or converted model folder to train on from")
    parser.add_argument("--rate", type=float, help="peak learning rate")
    parser.add_argument("--processes", type=int, default=defaults.processes, help="processes, one core each")
    parser.add_argument("--device", default=defaults.device, help="cpu, or cuda with --processes 1")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--readings", type=int, default=defaults.readings, help="readings of each held-out sentence")
    parser.add_argument(
        "--batch-scale", type=float, default=defaults.batch_scale, help="size of batches; 1 fits a core"
    )
    parser.add_argument("--smoke", action="store_true", help="the whole chain in minutes, to see that it works")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the stages asked for; returns the exit status."""
    given = vars(_parser().parse_args(arguments))
    stages, smoke = given.pop("stage") or ["all"], given.pop("smoke")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # it tells of every window
    options = Options(**given)
    if smoke:
        options = options.smoke()
    names = [name for name in STAGES if name in stages or ("all" in stages and name != "publish")]
    try:
        for name in names:
            log.info("%s ...", name)
            STAGES[name](options)
    except TrainingError as error:
        log.error("%s", error)  # noqa: TRY400  # the message is the answer; a traceback would hide it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
