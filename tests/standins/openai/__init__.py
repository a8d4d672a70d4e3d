"""Stand-ins for model servers with OpenAI's interface that people run themselves.

Source: the documentation of Ollama ("OpenAI compatibility"), vLLM ("OpenAI-compatible server"),
llama.cpp (`llama-server`) and LiteLLM ("Proxy"). They list little of their models, say nothing of
costs, count tokens only when asked to, and have no `/generation`.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KNOWN = {
    *("model", "messages", "stream", "stream_options", "temperature", "max_tokens", "tools"),
    *("max_completion_tokens", "tool_choice", "response_format", "user", "top_p", "seed", "stop"),
}
"""Fields of a request; a strict server refuses others."""

ROWS: dict[str, dict[str, Any]] = {
    "ollama": {"id": "llama3.2:3b", "object": "model", "created": 1, "owned_by": "library"},
    "vllm": {
        "id": "Qwen/Qwen2.5-7B-Instruct",
        "object": "model",
        "owned_by": "vllm",
        "root": "/models/qwen",
        "parent": None,
        "max_model_len": 32_768,
        "permission": [{"allow_sampling": True}],
    },
    "llama.cpp": {
        "id": "models/gemma-3-4b-it-Q4_K_M.gguf",
        "object": "model",
        "owned_by": "llamacpp",
        "meta": {"vocab_type": 1, "n_ctx_train": 131_072},
    },
    "litellm": {"id": "gpt-4o-mini", "object": "model", "created": 1, "owned_by": "openai"},
}
"""What each lists of a model."""

PROMPT_TOKENS, ANSWER_TOKENS = 11, 7


@dataclass
class ModelServer:
    """A running server, and what it was asked."""

    model: str
    base_url: str = ""
    answers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The messages of the next completions, in order."""
    counts_tokens: bool = True
    requests: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])


@contextmanager
def running_model_server(kind: str) -> Generator[ModelServer]:
    server = ModelServer(ROWS[kind]["id"])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests.append((self.path, None))
            if self.path == "/v1/models":
                self._answer(200, {"object": "list", "data": [ROWS[kind]]})
            else:
                self._answer(404, {"error": {"message": "Not Found"}, "detail": "Not Found"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append((self.path, body))
            if unknown := body.keys() - KNOWN:
                detail = f"Extra inputs are not permitted: {sorted(unknown)}"
                self._answer(400, {"object": "error", "message": detail, "code": 400})
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.end_headers()
            message = server.answers.pop(0)
            reason = "tool_calls" if "tool_calls" in message else "stop"
            self._send([{"index": 0, "delta": {"role": "assistant"} | message}])
            self._send([{"index": 0, "delta": {}, "finish_reason": reason}])
            if server.counts_tokens and body.get("stream_options", {}).get("include_usage"):
                usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": ANSWER_TOKENS}
                self._send([], usage=usage)
            self.wfile.write(b"data: [DONE]\n\n")

        def _send(self, choices: list[Any], **more: Any) -> None:
            frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": choices}
            self.wfile.write(f"data: {json.dumps(frame | more)}\n\n".encode())

        def _answer(self, status: int, body: Any) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server.base_url = f"http://127.0.0.1:{listener.server_address[1]}/v1"
        thread = threading.Thread(target=listener.serve_forever, daemon=True)
        thread.start()
        yield server
        listener.shutdown()
        thread.join()
