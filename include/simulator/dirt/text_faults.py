"""Text faults of old systems: one function of a value per kind."""

from __future__ import annotations

import re
import unicodedata

import numpy as np

from include.vietnam import to_tcvn3, to_vni

# What gives old encodings away for certain: no letter beyond Latin-1 (but Đ), and a sign or pair no name holds.
_BEYOND = re.compile(r"[^\x00-\xffĐđ]")
_TCVN3_SIGNS = re.compile(r"[¡-¬®-¿]")
_VNI_PAIRS = re.compile(r"a[âáàåãäêéèü]|e[âáàåãä]|o[âåä]|ö[ùøûõïô]")
_OPEN_PAIR = re.compile(r"(?<![qQ])(?:[òóỏõọ][ae]|[ùúủũụ]y)\b")
_Y_TO_I = str.maketrans("yýỳỷỹỵ", "iíìỉĩị")
# Where those two have something to do: the same in the words of Arrow's regular expressions.
MOVABLE_TONE, Y_ALONE = r"[^qQ](?:[òóỏõọ][ae]|[ùúủũụ]y)(?: |$)", r"(?:^| )[HKLMT][yýỳỷỹỵ](?: |$)"
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


def moved_tone(text: str) -> str:
    """The other school of spelling: hòa as hoà, thúy as thuý (in open syllables, never after q)."""
    return _OPEN_PAIR.sub(lambda pair: _tone_to_second(pair[0]), text)


def i_for_y(text: str) -> str:
    """Mĩ for Mỹ, Lí for Lý: where y alone is the vowel."""
    return re.sub(r"\b[HKLMT][yýỳỷỹỵ]\b", lambda syllable: syllable[0].translate(_Y_TO_I), text)


def _tone_to_second(pair: str) -> str:
    first = unicodedata.normalize("NFD", pair[0])
    return first[0] + unicodedata.normalize("NFC", pair[1] + first[1])


def as_tcvn3(text: str, code_page: str = "latin-1") -> str | None:
    """TCVN3 read in another code page, `NguyÔn V¨n`; None where nothing would give it away."""
    seen = to_tcvn3(text)
    if code_page != "latin-1":
        seen = unicodedata.normalize("NFC", seen.encode("latin-1", "replace").decode(code_page))
    return seen if _TCVN3_SIGNS.search(seen) and not _BEYOND.search(seen) else None


def as_vni(text: str) -> str | None:
    """VNI read as Latin-1, `Nguyeãn Vaên`; None where nothing would give it away."""
    seen = to_vni(text)
    return seen if _VNI_PAIRS.search(seen) and not _BEYOND.search(seen) else None


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
