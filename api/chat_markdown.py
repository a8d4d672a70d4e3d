"""Export of a chat as a Markdown file."""

import re
import unicodedata

from api.schemas.chat_messages import ChatMessageOut
from api.schemas.chats import ChatOut
from domain.chat.sources import CITATION

_LABEL = re.compile(r"\[([^\[\]]{1,80})\]\]?(?=[:(\[])")
"""What Markdown would make a link of, since an address follows."""


def chat_markdown(chat: ChatOut) -> str:
    head = f"# {chat.title}\n\n{chat.created_at:%Y-%m-%d %H:%M} UTC, {chat.model}\n"
    return head + "".join(_message(message) for message in chat.messages)


def _message(message: ChatMessageOut) -> str:
    who = "You" if message.role == "user" else "Agent"
    ended = "" if message.status == "done" else f" ({message.status})"
    sources = "".join(
        f"\n{source.number}. [{_link_text(source.title)}](<{_link_target(source.url)}>)"
        for source in message.sources
    )
    return f"\n## {who}{ended}\n\n{_with_own_citations(message.text)}\n" + (
        f"\nSources:\n{sources}\n" if sources else ""
    )


def _with_own_citations(text: str) -> str:
    """The text without links that read as the number of a source, which is in the list of them."""

    def apart(match: re.Match[str]) -> str:
        label = unicodedata.normalize("NFKC", match[1]).strip("*_`~\\ \n")
        return f"{match[0]} " if CITATION.fullmatch(f"[{label}]") else match[0]

    return _LABEL.sub(apart, text)


def _link_text(title: str) -> str:
    """A title with the characters escaped or replaced that Markdown would interpret."""
    plain = title.replace("\\", "\\\\").replace("<", "\\<")
    return plain.replace("[", "(").replace("]", ")")


def _link_target(url: str) -> str:
    """A URL with the characters percent-encoded that would end the link."""
    return url.replace("\\", "%5C").replace("<", "%3C").replace(">", "%3E")
