"""A console that shows texts as they are: no text is markup, an emoji's name or a command to the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

_UNSEEN = (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF)
_CONTROLS = {code: f"\\u{code:04x}" for code in _UNSEEN if chr(code) not in "\t\n"}
"""Control characters, and what no text may hold, as JSON writes them, so that JSON on a screen stays JSON."""


def with_controls_seen(text: str) -> str:
    """The text with its control characters but tab and line feed made visible: six characters each, as in JSON."""
    return text.translate(_CONTROLS)


class Terminal(Console):
    """Console for values and texts of others; style comes from `style=` or a `Text`, never from what is printed."""

    def __init__(self, *, highlight: bool = False, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=highlight, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """A text to lay out, with its control characters made visible."""
        return super().render_str(with_controls_seen(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is shown of anything, with the control characters in its texts made visible."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=with_controls_seen(segment.text))
