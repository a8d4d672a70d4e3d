"""Control text that models write among their words: thoughts in tags, tool calls as markup, and
marks of their templates. It is for their server, and never reaches a reader.

Source: chat templates of DeepSeek, Qwen, Hermes, Mistral, Llama and GPT-OSS, as published with
the models.
"""

import regex

_THOUGHTS = "think|thinking|thought|reasoning|reflection|seed:think"
_BAR = "[|｜]"
_CALLS = (
    "tool_calls?|function_calls?|tool_response|functioncall|tool_use|xai:function_call"
    "|minimax:tool_call|antml:function_calls|invoke"
)

_CONTROL = regex.compile(
    # Code is shown as it is: whoever asks about such tags gets them there. Gemini's calls look
    # like code.
    r"(?:```(?!tool_code).*?(?:```|\Z)|(?<=\n|\A)~~~.*?(?:\n~~~|\Z)|(?<!`)``(?!`)[^\n]+?``|`[^`\n]+`)"
    r"(*SKIP)(*FAIL)"
    # Thoughts begin a line, or follow a sentence and have an end.
    rf"|(?:(?<=\n)|\A)[ ]{{0,3}}<(?P<thought>{_THOUGHTS})(?:\s[^<>]{{0,40}})?>"
    r".*?(?:</(?P=thought)>\s*|\Z)"
    rf"|(?<=[.!?…:。！？]\s{{0,4}})<(?P<later>{_THOUGHTS})>(?:(?!<(?P=later)>).)*?</(?P=later)>\s*"
    r"|\[THINK\].*?(?:\[/THINK\]\s*|\Z)"
    r"|◁think▷.*?(?:◁/think▷\s*|\Z)"
    r"|<\|START_THINKING\|>.*?(?:<\|END_THINKING\|>\s*|\Z)"
    r"|<\|channel>thought.*?(?:<channel\|>\s*|\Z)"
    # Tool calls: DeepSeek's, Kimi's, those in tags, Llama's, Mistral's, Granite's, Gemini's.
    rf"|<{_BAR}tool▁(?P<kind>call|output)s?▁begin{_BAR}>"
    rf".*?(?:<{_BAR}tool▁(?P=kind)s▁end{_BAR}>|\Z)"
    rf"|<{_BAR}DSML{_BAR}(?P<dsml>function_calls|tool_calls|invoke)\b.*?"
    rf"(?:</{_BAR}DSML{_BAR}(?P=dsml)>|\Z)"
    r"|<\|tool_calls_section_begin\|>.*?(?:<\|tool_calls_section_end\|>|\Z)"
    rf"|<(?P<call>{_CALLS})(?:\s[^<>]{{0,200}})?>.*?(?:</(?P=call)>|\Z)"
    r"|<function=[\w.-]+>.*?(?:</function>|\Z)"
    r"|\[TOOL_CALLS\].*\Z"
    r"|<\|(?:python_tag|START_ACTION)\|>.*\Z"
    r"|<\|tool_call\|>.*?(?:<\|/tool_call\|>|\Z)"
    r"|(?:(?<=\n)|\A) {0,3}```tool_code\b.*?(?:```|\Z)"
    r"|(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)"
    r".*?(?:<\|end\|>|<\|call\|>|(?=<\|start\|>)|\Z)"
    # Single marks of a template.
    r"|(?:<\|start\|>assistant)?<\|channel\|>final"
    rf"|<{_BAR}(?!channel|start\|>)/?[\w▁ -]{{1,40}}{_BAR}>"
    rf"|</(?:{_CALLS})>"
    r"|<start_of_turn>(?:model\n)?|<end_of_turn>|\A<(?:s|bos)>|<(?:/s|eos)>\s*\Z|\[/?INST\]",
    regex.DOTALL | regex.IGNORECASE,
)

_BEGUN = regex.compile(
    r"(?:(?:<\|start\|>[a-z]{0,12})?<\|channel\|>[a-z]{0,12}|<\|start\|>[a-z]{0,12}"
    rf"|<[/=\w:{_BAR[1:-1]}▁.-]{{0,60}}|\[[/A-Z_]{{0,12}}|◁/?\w{{0,6}}|<\|channel>\w{{0,8}}"
    r"|(?:(?<=\n)|\A) {0,3}`{1,3}(?:(?<=```)t\w{0,8})?"
    # Thoughts after a sentence, which may have an end.
    rf"|<(?:{_CALLS}|{_THOUGHTS})\s[^<>]{{0,200}}"
    rf"|(?<=[.!?…:。！？]\s{{0,4}})<(?:{_THOUGHTS})>(?:(?!</(?:{_THOUGHTS})>).)*)\Z",
    regex.DOTALL | regex.IGNORECASE,
)
"""What may become control text with the next piece."""


_THOUGHTS_BEGIN = regex.compile(rf"<(?:{_THOUGHTS})[\s>]", regex.IGNORECASE)
_THOUGHTS_END = regex.compile(rf"</(?:{_THOUGHTS})>\s*", regex.IGNORECASE)

LENGTH_AT_MOST = 40_000
"""In code points. Longer texts are published nowhere, and would take long to be read each time."""


_MARKS = regex.compile(r"[<\[◁`]")


def without_control_text(text: str, *, whole: bool) -> str:
    """The words of a model's text for its reader. Unless the text is `whole`, what may turn out to
    be control text is left out at its end.
    """
    if len(text) > LENGTH_AT_MOST or not _MARKS.search(text):
        return text
    end = _THOUGHTS_END.search(text)
    # Some templates begin the thoughts in the prompt, so that only their end is written.
    if end and not _THOUGHTS_BEGIN.search(text, 0, end.start()):
        text = text[end.end() :]
    words = _CONTROL.sub("", text)
    return words if whole else _BEGUN.sub("", words)
