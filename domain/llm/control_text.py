"""Control text that models write among their words: thoughts in tags, tool calls as markup, and
marks of their templates. It is for their server, and never reaches a reader.

Source: chat templates of DeepSeek, Qwen, Hermes, Mistral, Llama and GPT-OSS, as published with
the models.
"""

import regex

_THOUGHTS = "think|thinking|thought|reasoning|reflection"
_BAR = "[|｜]"

_CONTROL = regex.compile(
    # Code is shown as it is: whoever asks about such tags gets them there.
    r"(?:```.*?(?:```|\Z)|`[^`\n]+`)(*SKIP)(*FAIL)"
    # Thoughts begin a line.
    rf"|(?:(?<=\n)|\A)[ \t]*<(?P<thought>{_THOUGHTS})>.*?(?:</(?P=thought)>\s*|\Z)"
    # Tool calls: DeepSeek's, Qwen's and Hermes', Llama's, Mistral's.
    rf"|<{_BAR}tool▁calls?▁begin{_BAR}>.*?(?:<{_BAR}tool▁calls▁end{_BAR}>|\Z)"
    rf"|<{_BAR}DSML{_BAR}(?:function_calls|tool_calls)>.*?"
    rf"(?:</{_BAR}DSML{_BAR}(?:function_calls|tool_calls)>|\Z)"
    r"|<(?P<call>tool_calls?|function_calls?|tool_response)>.*?(?:</(?P=call)>|\Z)"
    r"|<function=[\w.-]+>.*?(?:</function>|\Z)"
    r"|\[TOOL_CALLS\].*\Z"
    r"|<\|python_tag\|>.*\Z"
    r"|<\|channel\|>(?:analysis|commentary).*?(?:<\|end\|>|<\|call\|>|(?=<\|start\|>)|\Z)"
    # Single marks of a template.
    rf"|<\|channel\|>final|<{_BAR}(?!channel)[\w▁ -]{{1,40}}{_BAR}>|</s>\s*\Z|\[/?INST\]",
    regex.DOTALL | regex.IGNORECASE,
)

_BEGUN = regex.compile(
    rf"(?:<\|channel\|>[a-z]{{0,12}}|<[/=\w{_BAR[1:-1]}▁.-]{{0,60}}|\[[/A-Z_]{{0,12}})\Z"
)
"""What may become control text with the next piece."""


_THOUGHTS_BEGIN = regex.compile(rf"<(?:{_THOUGHTS})>", regex.IGNORECASE)
_THOUGHTS_END = regex.compile(rf"</(?:{_THOUGHTS})>\s*", regex.IGNORECASE)

LENGTH_AT_MOST = 40_000
"""In code points. Longer texts are published nowhere, and would take long to be read each time."""


def without_control_text(text: str, *, whole: bool) -> str:
    """The words of a model's text for its reader. Unless the text is `whole`, what may turn out to
    be control text is left out at its end.
    """
    if len(text) > LENGTH_AT_MOST or ("<" not in text and "[" not in text):
        return text
    end = _THOUGHTS_END.search(text)
    # Some templates begin the thoughts in the prompt, so that only their end is written.
    if end and not _THOUGHTS_BEGIN.search(text, 0, end.start()):
        text = text[end.end() :]
    words = _CONTROL.sub("", text)
    return words if whole else _BEGUN.sub("", words)
