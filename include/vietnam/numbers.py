"""Numbers in plain Python: what `vn_number` and `vn_int` must give for text."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

from include.vietnam import names

_DIGITS = frozenset("0123456789")


def number(value: str | None) -> Decimal | None:
    """`vn_number`: None when it is no number, or has more than 18 digits before the comma or 10 behind it."""
    exact = _exact(value)
    if exact is None or abs(exact) >= 10**18:
        return None
    with localcontext() as context:
        context.prec = max(len(exact.as_tuple().digits), 1) + 40
        scaled = exact.quantize(Decimal("1e-10"), ROUND_HALF_UP)
        return scaled if scaled == exact else None


def integer(value: str | None) -> int | None:
    """`vn_int`: None when it has a fraction or more than 64 bits."""
    exact = _exact(value)
    if exact is None or exact != exact.to_integral_value():
        return None
    return int(exact) if -(2**63) <= int(exact) < 2**63 else None


def _exact(value: str | None) -> Decimal | None:
    clean = names.text(value) or ""
    sign, body = (clean[0], clean[1:]) if clean[:1] in ("+", "-") else ("", clean)
    dots, commas = body.count("."), body.count(",")
    if dots and _are_thousands(body.split(",")[0], ".") and commas <= 1:
        whole, comma, fraction = body.partition(",")
        plain = whole.replace(".", "") + comma.replace(",", ".") + fraction
    elif commas == 1 and not dots:
        plain = body.replace(",", ".")
    elif commas and dots <= 1 and commas + dots > 1 and _are_thousands(body.split(".")[0], ","):
        whole, dot, fraction = body.partition(".")
        plain = whole.replace(",", "") + dot + fraction
    elif not commas and dots <= 1:
        plain = body
    else:
        return None
    parts = plain.split(".")
    is_number = len(parts) <= 2 and all(part and _DIGITS.issuperset(part) for part in parts)
    return Decimal(sign + plain) if is_number else None


def _are_thousands(whole: str, separator: str) -> bool:
    """Whether it reads 1.234 or 12.345.678: groups of three behind a first of one to three, without a leading zero."""
    first, *rest = whole.split(separator)
    is_first = 1 <= len(first) <= 3 and first[0] != "0" and _DIGITS.issuperset(first)
    return is_first and bool(rest) and all(len(group) == 3 and _DIGITS.issuperset(group) for group in rest)
