"""Calls of language models with the SDKs that people use, as their documents write them.

`calls.py PROVIDERS PROXY`: every case makes its calls straight to the providers at the one address, and through the proxy at
the other. It prints a line of JSON: its name, the calls that it makes (names of the fixtures that the providers answer with),
and what the SDK made of the answers each way.
"""

import json
import os
import sys

ADDRESSES = sys.argv[1:3]
OPENAI_KEY = os.environ["OPENAI_API_KEY"]
ANTHROPIC_KEY = os.environ["ANTHROPIC_API_KEY"]
GEMINI_KEY = os.environ["GEMINI_API_KEY"]

# Where each provider's interface begins: its own path, or the proxy's.
BASES = {
    "openai": ("/v1", "/v1"),
    "groq": ("/openai/v1", "/groq/v1"),
    "mistral": ("/v1", "/mistral/v1"),
    "together": ("/v1", "/together/v1"),
    "openrouter": ("/api/v1", "/openrouter/v1"),
    "anthropic": ("", "/passthrough/anthropic"),
    "anthropic native": ("", "/anthropic"),
    "gemini": ("", "/passthrough/gemini"),
    "ollama": ("", "/ollama"),
}
CLAUDE = "claude-sonnet-4-20250514"
MESSAGES = [{"role": "user", "content": "Say hello"}]
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CASES = []
way = 0


def base(provider):
    return ADDRESSES[way] + BASES[provider][way]


def case(name, *calls):
    """A case with its name, and the fixtures of its calls in order."""

    def add(function):
        CASES.append((name, calls, function))
        return function

    return add


def said(text):
    return [{"role": "user", "content": text}]


def openai_client(provider="openai", **options):
    from openai import OpenAI

    return OpenAI(base_url=base(provider), api_key=OPENAI_KEY, max_retries=0, **options)


@case("A4 openai: chat", "chat")
def _():
    answer = openai_client().chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
    return [answer.choices[0].message.content, answer.usage.total_tokens]


@case("A4 openai: stream without stream_options", "chat stream")
def _():
    chunks = list(openai_client().chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True))
    # Nobody asked for usage, so nobody may see it, nor a chunk without a choice.
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    return [chunk.choices[0].delta.content for chunk in chunks]


@case("A4 openai: stream with include_usage", "chat stream")
def _():
    options = {"include_usage": True}
    chunks = list(
        openai_client().chat.completions.create(
            model="gpt-4o-mini", messages=MESSAGES, stream=True, stream_options=options
        )
    )
    assert not chunks[-1].choices
    return chunks[-1].usage.total_tokens


@case("A6 openai: tools", "tool call", "tool call stream")
def _():
    tools = [{"type": "function", "function": WEATHER}]
    create = openai_client().chat.completions.create
    answer = create(model="gpt-4o-mini", messages=MESSAGES, tools=tools)
    pieces = create(model="gpt-4o-mini", messages=MESSAGES, tools=tools, stream=True)
    calls = [chunk.choices[0].delta.tool_calls for chunk in pieces]
    streamed = "".join(one.function.arguments for call in calls if call for one in call)
    return [answer.choices[0].message.tool_calls[0].function.arguments, streamed]


@case("A4 openai: responses", "response", "response stream")
def _():
    client = openai_client()
    answer = client.responses.create(model="gpt-4o-mini", input="Say hello")
    events = list(client.responses.create(model="gpt-4o-mini", input="Say hello", stream=True))
    return [answer.output_text, [event.type for event in events]]


@case("A4 openai: embeddings", "embedding")
def _():
    answer = openai_client().embeddings.create(model="text-embedding-3-small", input="Say hello")
    return answer.data[0].embedding


@case("A6 openai: the prefixes of those that copy it", "groq", "mistral", "together", "openrouter")
def _():
    answers = []
    for provider, model in [
        ("groq", "llama-3.1-8b-instant"),
        ("mistral", "mistral-large-latest"),
        ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("openrouter", "openai/gpt-4o-mini"),
    ]:
        answer = openai_client(provider).chat.completions.create(model=model, messages=MESSAGES)
        answers.append(answer.choices[0].message.content)
    return answers


# What makes a call a `tagged` one.
TAGGED = {"X-LLMFlow-Tag": "user:alice, env:prod", "X-Fanlight-Session": "s-1", "X-Fanlight-User": "alice"}


@case("A8 openai: tags, session and user", "tagged chat", "tagged chat stream")
def _():
    create = openai_client(default_headers=TAGGED).chat.completions.create
    answer = create(model="gpt-4o-mini", messages=MESSAGES)
    stream = create(model="gpt-4o-mini", messages=MESSAGES, stream=True)
    return [answer.choices[0].message.content, len(list(stream))]


@case("A14 openai: a gzip answer, whole and streamed", "chat", "chat stream")
def _():
    create = openai_client().chat.completions.create
    messages = said("{{gzip 1}} Say hello")
    answer = create(model="gpt-4o-mini", messages=messages)
    # Where nobody asks for usage, the proxy does, and has to have it in plain text.
    options = {"include_usage": True}
    stream = create(model="gpt-4o-mini", messages=messages, stream=True, stream_options=options)
    return [answer.choices[0].message.content, len(list(stream))]


@case("A14 openai: a stream that is silent for a while", "chat stream")
def _():
    messages = said("{{pause 1500}} Say hello")
    return len(list(openai_client().chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)))


@case("A14 openai: 429 with retry-after, and 500", "failed 429", "failed 500")
def _():
    import openai

    failures = []
    for status in (429, 500):
        try:
            openai_client().chat.completions.create(model="gpt-4o-mini", messages=said("{{status %d}}" % status))
        except openai.APIStatusError as error:
            failures.append([type(error).__name__, error.response.headers.get("retry-after"), str(error)])
    return failures


@case("A14 openai: a wrong key", "failed 401")
def _():
    import openai

    try:
        openai.OpenAI(base_url=base("openai"), api_key="sk-wrong-key-that-nobody-has", max_retries=0).models.list()
    except openai.AuthenticationError as error:
        return str(error)


@case("A14 openai: the upstream breaks off", "broken stream")
def _():
    stream = openai_client().chat.completions.create(
        model="gpt-4o-mini", messages=said("{{abort 3}} Say hello"), stream=True
    )
    seen = 0
    try:
        for _ in stream:
            seen += 1
    except Exception as error:  # Which one is the SDK's affair; that there is one is the point.
        return [seen, type(error).__name__]
    raise AssertionError("nobody noticed that the stream broke off")


@case("A14 openai: multipart upload and audio", "no model", "no model")
def _():
    client = openai_client()
    text = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", bytes(range(256)) * 16)).text
    audio = client.audio.speech.create(model="tts-1", voice="alloy", input="Say hello").read()
    return [text, len(audio), audio[:8].hex()]


def anthropic_client(provider="anthropic"):
    import anthropic

    return anthropic.Anthropic(base_url=base(provider), api_key=ANTHROPIC_KEY, max_retries=0)


@case("A10 anthropic: message, stream, tools", "message", "message stream", "message tool", "message tool stream")
def _():
    client = anthropic_client()
    answer = client.messages.create(model=CLAUDE, max_tokens=100, messages=MESSAGES)
    with client.messages.stream(model=CLAUDE, max_tokens=100, messages=MESSAGES) as stream:
        streamed = stream.get_final_message()
    tools = [{"name": "get_weather", "input_schema": WEATHER["parameters"]}]
    call = client.messages.create(model=CLAUDE, max_tokens=100, messages=MESSAGES, tools=tools)
    with client.messages.stream(model=CLAUDE, max_tokens=100, messages=MESSAGES, tools=tools) as stream:
        streamed_call = stream.get_final_message()
    return [
        [one.content[0].model_dump(mode="json"), one.usage.input_tokens, one.usage.cache_read_input_tokens]
        for one in (answer, streamed, call, streamed_call)
    ]


@case("A8 anthropic: tags, session and user", "tagged message")
def _():
    create = anthropic_client().messages.create
    return create(model=CLAUDE, max_tokens=100, messages=MESSAGES, extra_headers=TAGGED).content[0].text


@case("A25 anthropic: a native body on /anthropic", "message")
def _():
    answer = anthropic_client("anthropic native").messages.create(model=CLAUDE, max_tokens=100, messages=MESSAGES)
    return answer.content[0].text


@case("A12 google-genai: content, stream, functions", "gemini", "gemini stream", "gemini call")
def _():
    from google import genai
    from google.genai import types

    client = genai.Client(api_key=GEMINI_KEY, http_options=types.HttpOptions(base_url=base("gemini")))
    answer = client.models.generate_content(model="gemini-2.5-flash", contents="Say hello")
    stream = client.models.generate_content_stream(model="gemini-2.5-flash", contents="Say hello")
    streamed = [chunk.text for chunk in stream]
    function = types.FunctionDeclaration(name="get_weather", parameters_json_schema=WEATHER["parameters"])
    call = client.models.generate_content(
        model="gemini-2.5-flash",
        contents="Say hello",
        config=types.GenerateContentConfig(tools=[types.Tool(function_declarations=[function])]),
    )
    return [answer.text, streamed, call.function_calls[0].args]


@case("A6 ollama: chat and stream", "ollama", "ollama stream")
def _():
    import ollama

    client = ollama.Client(host=base("ollama"))
    answer = client.chat(model="llama3.2", messages=MESSAGES)
    streamed = client.chat(model="llama3.2", messages=MESSAGES, stream=True)
    return [answer.message.content, [one.message.content for one in streamed]]


@case("litellm: OpenAI and Anthropic", "chat", "chat stream", "message")
def _():
    import litellm

    litellm.num_retries = 0
    openai = {"model": "openai/gpt-4o-mini", "api_base": base("openai"), "api_key": OPENAI_KEY}
    answer = litellm.completion(messages=MESSAGES, **openai)
    streamed = litellm.completion(messages=MESSAGES, stream=True, **openai)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in streamed)
    claude = litellm.completion(
        model="anthropic/" + CLAUDE, api_base=base("anthropic"), api_key=ANTHROPIC_KEY, messages=MESSAGES
    )
    return [answer.choices[0].message.content, text, claude.choices[0].message.content]


@case("A5 langchain-openai: invoke and stream", "chat", "chat stream")
def _():
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="gpt-4o-mini", base_url=base("openai"), api_key=OPENAI_KEY, max_retries=0)
    return [model.invoke("Say hello").content, [chunk.content for chunk in model.stream("Say hello")]]


@case("pydantic-ai: the roulette agent", "roulette", "roulette")
def _():
    from pydantic_ai import Agent, RunContext
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel("gpt-4o", provider=OpenAIProvider(base_url=base("openai"), api_key=OPENAI_KEY))
    roulette_agent = Agent(
        model,
        deps_type=int,
        output_type=bool,
        system_prompt=(
            "Use the `roulette_wheel` function to see if the customer has won based on the number they provide."
        ),
    )

    @roulette_agent.tool
    async def roulette_wheel(ctx: RunContext[int], square: int) -> str:
        """check if the square is a winner"""
        return "winner" if square == ctx.deps else "loser"

    return roulette_agent.run_sync("Put my money on square eighteen", deps=18).output


@case("A14 openai: the client breaks off", "abandoned stream")
def _():
    stream = openai_client().chat.completions.create(
        model="gpt-4o-mini", messages=said("{{pace 20}} {{chunks 200}} Say hello"), stream=True
    )
    first = next(iter(stream))
    stream.close()
    return first.choices[0].delta.role


def attempt(name, function):
    try:
        return function()
    except Exception as error:
        print(f"{name}: {error!r}", file=sys.stderr)
        return ["failed", type(error).__name__, str(error)]


def main():
    global way
    for name, calls, function in CASES:
        results = []
        for way in (0, 1):
            results.append(attempt(name, function))
        print(json.dumps({"case": name, "calls": calls, "direct": results[0], "proxied": results[1]}), flush=True)


if __name__ == "__main__":
    main()
