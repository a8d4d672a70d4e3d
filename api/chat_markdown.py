"""Export of a chat as a Markdown file."""

from api.schemas.chat_messages import ChatMessageOut
from api.schemas.chats import ChatOut


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
    return f"\n## {who}{ended}\n\n{message.text}\n" + (
        f"\nSources:\n{sources}\n" if sources else ""
    )


def _link_text(title: str) -> str:
    """A title with the characters escaped or replaced that Markdown would interpret."""
    plain = title.replace("\\", "\\\\").replace("<", "\\<")
    return plain.replace("[", "(").replace("]", ")")


def _link_target(url: str) -> str:
    """A URL with the characters percent-encoded that would end the link."""
    return url.replace("\\", "%5C").replace("<", "%3C").replace(">", "%3E")
