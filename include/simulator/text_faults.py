"""What happens to text on its way through old systems: one function per kind, a value in and a value out."""

from __future__ import annotations

import re
import unicodedata

import numpy as np

# TCVN 5712:1993 (TCVN3, "ABC" fonts): the byte that stands for each letter. Capitals, Ă Â Ê Ô Ơ Ư Đ apart, have none.
_TCVN3_LETTERS = "ĂÂÊÔƠƯĐăâêôơưđàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ"
_TCVN3_BYTES = bytes.fromhex(
    "a1a2a3a4a5a6a7a8a9aaabacadae" "b5b6b7b8b9" "bbbcbdbe" "c6" "c7c8c9cacb" "cccecfd0d1" "d2d3d4d5d6" "d7d8dcddde"
    "dfe1e2e3e4" "e5e6e7e8e9" "eaebecedee" "eff1f2f3f4" "f5f6f7f8f9" "fafbfcfdfe"
)  # fmt: skip
_TCVN3 = {letter: chr(byte) for letter, byte in zip(_TCVN3_LETTERS, _TCVN3_BYTES, strict=True)}

# What a detector must be able to see: signs that no Vietnamese text in Unicode holds.
LEGACY_SIGNS = re.compile(r"[¡-¬®-¿×÷]|[a-z][À-Þ]")
_LOOKS_LEGACY = re.compile(
    r"[¡-¬®-¿×÷]|[a-z][À-Þ]|[aAeE][øØûÛõÕåÅäÄãÃâÂàÀáÁ]|[oOuUyYôÔöÖ][øØûÛõÕ]|[oO][åÅäÄâÂ]|Phaïm|PHAÏM"
)


def decomposed(text: str) -> str:
    """NFD: every mark a character of its own."""
    return unicodedata.normalize("NFD", text)


def without_diacritics(text: str) -> str:
    """Letters only, as a telex or an old mainframe wrote them."""
    plain = text.replace("đ", "d").replace("Đ", "D")
    return "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))


def capitals(text: str) -> str:
    """All capitals."""
    return text.upper()


def doubled_space(text: str) -> str:
    """The first space twice, and one more at the end."""
    return text.replace(" ", "  ", 1) + " "


def eth_for_d(text: str) -> str:
    """Ð (U+00D0, Icelandic eth) where Đ (U+0110) belongs: they look the same in print."""
    return text.replace("Đ", "Ð")


def legacy_encoded(text: str, code_page: str = "latin-1") -> str:
    """TCVN3 bytes read as if they were another code page: `Nguyễn Văn` becomes `NguyÔn V¨n`."""
    stored = "".join(_TCVN3.get(letter, letter) for letter in unicodedata.normalize("NFC", text))
    return stored if code_page == "latin-1" else stored.encode("latin-1", "replace").decode(code_page)


def shows_legacy(seen: str) -> bool:
    """Whether text read in the wrong code page shows a sign that gives it away."""
    return LEGACY_SIGNS.search(unicodedata.normalize("NFC", seen)) is not None


def control_character(text: str) -> str:
    """A control character after the first letter, as a broken line protocol leaves one."""
    return text[:1] + "\x03" + text[1:]


def typo(text: str, rng: np.random.Generator) -> str:
    """One slip of the keyboard in a lower-case ASCII letter: dropped, doubled, or swapped with its neighbour.

    A slip that would look like a legacy encoding is made again elsewhere; where none will do, the text is kept.
    """
    places = [i for i in range(1, len(text)) if "a" <= text[i] <= "z"]
    for place in rng.permutation(places) if places else []:
        for kind in rng.permutation(3):
            i = int(place)
            if kind == 0 and len(text) > 4:
                slip = text[:i] + text[i + 1 :]
            elif kind == 1:
                slip = text[:i] + text[i] + text[i:]
            elif i + 1 < len(text) and "a" <= text[i + 1] <= "z" and text[i] != text[i + 1]:
                slip = text[:i] + text[i + 1] + text[i] + text[i + 2 :]
            else:
                continue
            if not _LOOKS_LEGACY.search(slip) and "  " not in slip and slip == slip.strip():
                return slip
    return text
