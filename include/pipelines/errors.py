"""Known errors, whose messages may be shown, and the replacement of all others by a message without row values.

The message of a `KnownError` names a remedy and no personal value. Any other exception may quote a row in its text
(engines do), so its text stops here: what goes on is its type and the line of code.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from include.known_error import KnownError

REPOSITORY = Path(__file__).resolve().parents[2]


class Misuse(KnownError, ValueError):
    """The command was asked for something that does not exist. Exit status 2."""

    @classmethod
    def of_unknown(cls, kind: str, name: str, known: Sequence[str], where: str) -> Self:
        """There is nothing of that kind by that name: the nearest of those that are known, or all of them."""
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
        return cls(f"no {kind} `{name}`: {hint} ({where})")


class OnlyReadWhole(Misuse):
    """A stretch of time was asked of a table of which no part can be read."""


class SecondApprovalWanted(KnownError, RuntimeError):
    """Two stewards must approve, and one has: nothing follows from it yet. The message names who may be the second."""


class ContractChanged(KnownError, RuntimeError):
    """The contract became another while a run was under way: what the run did was by the former one."""


class StepFailed(KnownError, RuntimeError):
    """A step failed in a way nobody foresaw."""


@contextmanager
def no_values_escape(doing: str) -> Iterator[None]:
    """Let known errors pass; replace any other by StepFailed, which tells the place in the code and no text.

    Raises:
        StepFailed: in place of the unforeseen exception.
    """
    try:
        yield
    except KnownError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f for f in frames if Path(f.filename).is_relative_to(REPOSITORY / "include")]
        place = f"{Path(ours[-1].filename).relative_to(REPOSITORY)}:{ours[-1].lineno}" if ours else "outside include/"
        raise StepFailed(
            f"while {doing}: {type(error).__name__} at {place}; its text is withheld because it may quote a row. "
            "Run the same again; if it comes back, report this line"
        ) from None
