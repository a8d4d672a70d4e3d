"""What a text is made of, as a reader sees it."""

import unicodedata

import regex

_GRAPHEME = regex.compile(r"\X")
_HIDDEN = regex.compile(
    r"[\p{Cc}\p{Cs}\p{Co}\p{Cn}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069"
    r"\ufeff\ufff9-\ufffb]"
    # Tags spell whole sentences nobody sees; only the flags of Scotland and such are made of them.
    r"|(?<!\U0001f3f4[\U000e0020-\U000e007f]*)[\U000e0000-\U000e007f]"
)
_SPACE = regex.compile(r"\s+")
_NOT_A_WORD = regex.compile(r"[^\p{L}\p{N}]+")
_SCRIPTS_WITHOUT_SPACES = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_UNSPACED = regex.compile(f"(?<={_SCRIPTS_WITHOUT_SPACES}) (?={_SCRIPTS_WITHOUT_SPACES})")
"""Left by a comma in a script that puts none between words."""
_SENTENCE_END = regex.compile(
    r"(?<!\b(?:St|Mt|Dr|Mr|Mrs|Ms|No|vs|c|ca|approx|Jr|Sr|e\.g|i\.e|U\.S|\p{Lu}))"
    r"[.!?…]+[\"'”’)\]]*\s+(?=[\p{Lu}\p{N}\"'“‘(])"
)


def graphemes(text: str) -> int:
    """How many characters a reader counts."""
    return len(_GRAPHEME.findall(text))


def clean(text: str) -> str:
    """NFC, one line, single spaces; without control, bidi-override and zero-width characters.

    The zero-width joiner stays: emoji and several scripts are written with it.
    """
    shown = _HIDDEN.sub("", _SPACE.sub(" ", text))
    # Last, for what was taken out may have kept a letter from its accent.
    return _SPACE.sub(" ", unicodedata.normalize("NFC", shown)).strip()


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
