"""Commands over requests to providers: list, show, ask, answer, draft, count and follow them."""

from include.cli.requests import answers, reading
