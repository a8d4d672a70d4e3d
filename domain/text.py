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
_HAN = regex.compile(r"\p{Han}")
_FURTHER_LETTERS = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]|[[\p{M}]--[\p{Inherited}]]", regex.V1
)
_NO_TEXT = regex.compile(r"[\0\p{Cs}\p{Noncharacter_Code_Point}]")
_SPACE = regex.compile(r"\s+")
_NOT_A_WORD = regex.compile(r"(?:[^\p{L}\p{N}\p{M}]|(?<![\p{L}\p{N}\p{M}])\p{M}+)+")
_OPTIONAL = regex.compile(
    # Joiners, which choose a form of the letters beside them; vowels and other marks that Arabic
    # and Hebrew are mostly written without; the dot that an upper-case Turkish "İ" leaves.
    r"[\u200c\u200d\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06ed\ufe00-\ufe0f\u20e3]"
    r"|[\U000e0100-\U000e01ef]"
    r"|[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]|(?<=i)\u0307"
)
_SCRIPTS_WITHOUT_SPACES = (
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc]"
)
_UNSPACED = regex.compile(f"(?<={_SCRIPTS_WITHOUT_SPACES}) (?={_SCRIPTS_WITHOUT_SPACES})")
"""A space left by punctuation, in scripts that put none between words."""
_RUN_WITHOUT_SPACES = regex.compile(
    rf"({_SCRIPTS_WITHOUT_SPACES}(?:{_SCRIPTS_WITHOUT_SPACES}|\p{{M}})*)"
)


def is_text(text: str) -> bool:
    """Whether there is no NUL, lone surrogate or noncharacter, which not every store accepts."""
    return (text.isascii() and "\0" not in text) or not _NO_TEXT.search(text)


def graphemes(text: str) -> int:
    """The number of grapheme clusters, which readers perceive as characters."""
    return len(_GRAPHEME.findall(text))


def latin_length(text: str) -> int:
    """About how many Latin letters, spaces and signs would say as much as a text.

    A Han character stands for about three, a syllable of Korean or Japanese for two; a mark is a
    vowel in most scripts that have any.
    """
    return graphemes(text) + len(_FURTHER_LETTERS.findall(text)) + len(_HAN.findall(text))


def shorten(text: str, length: int) -> str:
    """The start of a text, of at most `length` code points and without a part of a character."""
    if len(text) <= length:
        return text
    ends = (match.end() for match in _GRAPHEME.finditer(text, 0, length + 1))
    return text[: max((end for end in ends if end <= length), default=0)]


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
    return _UNSPACED.sub("", _spaced(text))


def words(text: str) -> list[str]:
    """The words of a text in their compared form, in order."""
    return _spaced(clean(text)).split()


def runs(word: str) -> list[tuple[str, bool]]:
    """The parts of a word, each with whether its script puts no spaces between words."""
    parts = enumerate(_RUN_WITHOUT_SPACES.split(word))
    return [(part, place % 2 == 1) for place, part in parts if part]


def fold(text: str) -> str:
    """The text without what makes no difference when texts are compared: case and forms of
    characters, and marks that may be left out.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    if not folded.isascii():
        folded = _OPTIONAL.sub("", unicodedata.normalize("NFKC", folded)).replace("ı", "i")
    return folded


def _spaced(text: str) -> str:
    return _NOT_A_WORD.sub(" ", fold(text)).strip()
