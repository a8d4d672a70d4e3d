"""Unicode text: validation, cleaning, counting and comparison."""

import unicodedata

import regex

_GRAPHEME = regex.compile(r"\X")
_FLAG = "\U0001f3f4"
_FLAGS_OF_TAGS = "|".join(
    "".join(chr(0xE0000 + ord(letter)) for letter in country) + "\U000e007f"
    for country in ("gbeng", "gbsct", "gbwls")
)
_SELECTORS = r"\ufe00-\ufe0f\U000e0100-\U000e01ef"
_HIDDEN = regex.compile(
    # Tag characters can spell invisible sentences; their only use is in the flags of countries
    # such as Scotland.
    rf"{_FLAG}(?:{_FLAGS_OF_TAGS})(*SKIP)(*FAIL)|[\U000e0000-\U000e007f]"
    r"|[\p{Cc}\p{Cs}\p{Co}\p{Cn}\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb]"
    # Fillers: letters and symbols without a visible glyph.
    r"|[\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]"
    # Variation selectors: one selects a form of the character before it, a run can hide a message.
    rf"|(?<=[{_SELECTORS}])[{_SELECTORS}]|(?<!\p{{Han}})[\U000e0100-\U000e01ef]"
    # Zero-width joiners and non-joiners, except within emoji and in the scripts that need them.
    r"|(?<=^|[\s\p{Cf}\p{Latin}\p{Greek}\p{Cyrillic}\d\p{P}])[\u200c\u200d]"
    r"|[\u200c\u200d](?=\s|$)"
)
_NO_TEXT = regex.compile(r"[\0\p{Cs}\p{Noncharacter_Code_Point}]")
_SPACE = regex.compile(r"\s+")
_NOT_A_WORD = regex.compile(r"[^\p{L}\p{N}]+")
_SCRIPTS_WITHOUT_SPACES = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_UNSPACED = regex.compile(f"(?<={_SCRIPTS_WITHOUT_SPACES}) (?={_SCRIPTS_WITHOUT_SPACES})")
"""A space left by punctuation, in scripts that put none between words."""


def is_text(text: str) -> bool:
    """Whether there is no NUL, lone surrogate or noncharacter, which not every store accepts."""
    return (text.isascii() and "\0" not in text) or not _NO_TEXT.search(text)


def graphemes(text: str) -> int:
    """The number of grapheme clusters, which readers perceive as characters."""
    return len(_GRAPHEME.findall(text))


def clean(text: str) -> str:
    """Normalize to NFC on one line with single spaces, without invisible and control characters.

    Zero-width joiners are kept where emoji and some scripts need them.
    """
    visible = _HIDDEN.sub("", _SPACE.sub(" ", text))
    # Normalized last, since a removed character may have separated a letter from its accent.
    return _SPACE.sub(" ", unicodedata.normalize("NFC", visible)).strip()


def clean_lines(text: str) -> str:
    """Like `clean`, but keeps line breaks and repeated spaces; a tab becomes four spaces."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return unicodedata.normalize("NFC", "\n".join(_HIDDEN.sub("", line) for line in lines))


def key_of(text: str) -> str:
    """The form in which texts are compared: NFKC, case-folded words with single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _UNSPACED.sub("", _NOT_A_WORD.sub(" ", folded).strip())


def words(text: str) -> list[str]:
    """The words of a text in their compared form, in order."""
    return key_of(clean(text)).split()
