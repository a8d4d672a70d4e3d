"""What a text is made of, as a reader sees it."""

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
    # Tags spell whole sentences nobody sees; only the flags of Scotland and such are made of them.
    rf"{_FLAG}(?:{_FLAGS_OF_TAGS})(*SKIP)(*FAIL)|[\U000e0000-\U000e007f]"
    r"|[\p{Cc}\p{Cs}\p{Co}\p{Cn}\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb]"
    # Fillers: letters and signs that show as nothing.
    r"|[\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]"
    # So do selectors: one chooses a form of what stands before it, more of them spell.
    rf"|(?<=[{_SELECTORS}])[{_SELECTORS}]|(?<!\p{{Han}})[\U000e0100-\U000e01ef]"
    # Joiners belong between the parts of emoji and the letters of some scripts.
    r"|(?<=^|[\s\p{Cf}\p{Latin}\p{Greek}\p{Cyrillic}\d\p{P}])[\u200c\u200d]"
    r"|[\u200c\u200d](?=\s|$)"
)
_NO_TEXT = regex.compile(r"[\0\p{Cs}\p{Noncharacter_Code_Point}]")
_SPACE = regex.compile(r"\s+")
_NOT_A_WORD = regex.compile(r"[^\p{L}\p{N}]+")
_SCRIPTS_WITHOUT_SPACES = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_UNSPACED = regex.compile(f"(?<={_SCRIPTS_WITHOUT_SPACES}) (?={_SCRIPTS_WITHOUT_SPACES})")
"""Left by a comma in a script that puts none between words."""
_SENTENCE_END = regex.compile(
    r"(?<!\b(?:St|Mt|Dr|Mr|Mrs|Ms|No|vs|c|ca|approx|Jr|Sr|e\.g|i\.e|U\.S|\p{Lu}))"
    r"[.!?…]+[\"'”’)\]]*\s+(?=[\p{Lu}\p{N}\"'“‘(])"
)


def is_text(said: str) -> bool:
    """Whether all of it are characters: NUL, half a surrogate pair and the code points that
    Unicode keeps for no character are none, and not everything we write to can hold them.
    """
    return (said.isascii() and "\0" not in said) or not _NO_TEXT.search(said)


def graphemes(text: str) -> int:
    """How many characters a reader counts."""
    return len(_GRAPHEME.findall(text))


def clean(text: str) -> str:
    """NFC, one line, single spaces; without control, bidi-override and zero-width characters.

    A zero-width joiner stays where emoji and several scripts are written with it.
    """
    shown = _HIDDEN.sub("", _SPACE.sub(" ", text))
    # Last, for what was taken out may have kept a letter from its accent.
    return _SPACE.sub(" ", unicodedata.normalize("NFC", shown)).strip()


def clean_lines(text: str) -> str:
    """As `clean`, but with its lines and the spaces that indent them."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return unicodedata.normalize("NFC", "\n".join(_HIDDEN.sub("", line) for line in lines))


def sentences(text: str) -> int:
    """How many sentences a text has; common abbreviations do not end one."""
    return len(_SENTENCE_END.findall(text)) + 1 if text else 0


def key_of(text: str) -> str:
    """The text as it is compared: folded case, words only."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _UNSPACED.sub("", _NOT_A_WORD.sub(" ", folded).strip())


def words(text: str) -> list[str]:
    """The words of a search, in order."""
    return key_of(clean(text)).split()
