"""A chat as Markdown, for a file."""

from api.schemas.chats import ChatMessageOut, ChatOut


def markdown(chat: ChatOut) -> str:
    head = f"# {chat.title}\n\n{chat.created_at:%Y-%m-%d %H:%M} UTC, {chat.model}\n"
    return head + "".join(_message(one) for one in chat.messages)


def _message(message: ChatMessageOut) -> str:
    who = "You" if message.role == "user" else "Agent"
    ended = "" if message.status == "done" else f" ({message.status})"
    sources = "".join(
        f"\n{one.number}. [{_bare(one.title)}](<{_whole(one.url)}>)" for one in message.sources
    )
    return f"\n## {who}{ended}\n\n{message.text}\n" + (
        f"\nSources:\n{sources}\n" if sources else ""
    )


def _bare(title: str) -> str:
    """Whatever a page calls itself, it is only words."""
    plain = title.replace("\\", "\\\\").replace("<", "\\<")
    return plain.replace("[", "(").replace("]", ")")


def _whole(url: str) -> str:
    """An address that does not end before its end."""
    return url.replace("\\", "%5C").replace("<", "%3C").replace(">", "%3E")
