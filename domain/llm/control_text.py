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
    # Thoughts begin a line. Some templates begin them in the prompt, so that only their end is
    # written, after them.
    rf"|(?:(?<=\n)|\A)[ \t]*<(?P<thought>{_THOUGHTS})>.*?(?:</(?P=thought)>\s*|\Z)"
    rf"|\A(?:(?!<(?:{_THOUGHTS})>).)*?</(?:{_THOUGHTS})>\s*"
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
    rf"|<\|channel\|>final|<{_BAR}[\w▁ -]{{1,40}}{_BAR}>|</s>\s*\Z|\[/?INST\]",
    regex.DOTALL | regex.IGNORECASE,
)

_BEGUN = regex.compile(rf"(?:<[/=\w{_BAR[1:-1]}▁.-]{{0,60}}|\[[/A-Z_]{{0,12}})\Z")
"""What may become control text with the next piece."""


def without_control_text(text: str, *, whole: bool) -> str:
    """The words of a model's text for its reader. Unless the text is `whole`, what may turn out to
    be control text is left out at its end.
    """
    if "<" not in text and "[" not in text:
        return text
    words = _CONTROL.sub("", text)
    if not whole:
        words = _BEGUN.sub("", words)
    return words
