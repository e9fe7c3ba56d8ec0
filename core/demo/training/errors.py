"""What can go wrong while making the embedded model, said so that the reader knows what to install or change."""


class TrainingError(RuntimeError):
    """The recipe cannot go on; the message says why and what to do."""


class MissingToolError(TrainingError):
    """A program or package the recipe needs is not installed."""
