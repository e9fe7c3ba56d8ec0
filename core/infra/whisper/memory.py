"""When memory runs out while a model works: notice it, free what can be freed, try once more, then say so."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

from core.errors import OutOfMemoryError

T = TypeVar("T")

#: How CTranslate2, CUDA and the C++ library say it.
_SAYINGS = ("out of memory", "bad_alloc", "failed to allocate", "alloc_failed", "cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of the engine means that memory ran out, on the GPU or the CPU."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in _SAYINGS)


def translated(error: Exception, model: str) -> Exception:
    """The error to raise instead: `OutOfMemoryError` if it is one, else itself."""
    if not is_out_of_memory(error):
        return error
    return OutOfMemoryError(
        f"Memory ran out while {model} was at work, even with a smaller batch. Choose a smaller model, a smaller "
        "precision or a smaller batch size."
    )


def with_second_try(model: str, work: Callable[[], T]) -> T:
    """Runs a piece of work; if memory runs out, once more after everything that can be freed was freed.

    Raises:
        OutOfMemoryError: It ran out again.
    """
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    gc.collect()
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        raise translated(error, model) from error
