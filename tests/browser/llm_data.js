// Calls of language models as several instrumentations record them, as OTLP/JSON: what the page must show of them is in
// llm.js beside it.

const MINUTE = 60_000;

/** Everything, ended shortly before `now` (milliseconds since 1970). */
exports.requests = function requests(now) {
  return [
    traces("assistant", "opentelemetry.instrumentation.openai", conversation(now)),
    traces("support-bot", "openinference.instrumentation.anthropic", [openInference(now)]),
    traces("web", "ai", [vercel(now)]),
    traces("research", "agents", agent(now)),
    traces("batch", "jobs", [unpriced(now), failed(now), reported(now)]),
    traces("hostile", "tests", [hostile(now), hugeText(now), rightToLeft(now)]),
    exchange(now),
  ];
};

/** A call with so many messages. */
exports.longConversation = function longConversation(now, count) {
  const messages = Array.from({ length: count }, (_, index) =>
    message(index % 2 === 0 ? "user" : "assistant", text(`message number ${index + 1}`)),
  );
  const span = chat("50", "01", now - MINUTE, 900, {
    model: "gpt-4o-mini",
    input: messages,
    output: [message("assistant", text("The end of a long conversation."), "stop")],
    usage: { input_tokens: 90_000, output_tokens: 7 },
  });
  return traces("endless", "tests", [span]);
};

/** One more call, for a page that is already open. */
exports.oneMore = function oneMore(now) {
  const span = chat("60", "01", now - 300, 250, {
    model: "gpt-4o-mini",
    input: [message("user", text("Did this one come live?"))],
    output: [message("assistant", text("It did, without a reload."), "stop")],
    usage: { input_tokens: 10, output_tokens: 8 },
  });
  return traces("assistant", "tests", [span]);
};

/** An hour of calls of several models, for pictures. */
exports.history = function history(now) {
  const models = [
    { provider: "anthropic", model: "claude-sonnet-4-5", service: "support-bot", input: 70_000, output: 7_000 },
    { provider: "openai", model: "gpt-4o", service: "assistant", input: 48_000, output: 4_000 },
    { provider: "gcp.gemini", model: "gemini-2.5-pro", service: "web", input: 90_000, output: 5_000 },
    { provider: "openai", model: "gpt-4o-mini", service: "assistant", input: 160_000, output: 16_000 },
  ];
  const questions = ["Where is my order?", "Translate the manual.", "What changed since March?", "Write the release notes."];
  return models.map(({ provider, model, service, input, output }, kind) => {
    const spans = Array.from({ length: 60 }, (_, index) => {
      // More in the middle of the hour, and never twice the same.
      const wave = 0.4 + Math.sin((index / 60) * Math.PI) ** 2 + ((index * 7 + kind * 3) % 5) / 8;
      const tokens = Math.round(input * wave);
      return chat(`9${kind}${String(index).padStart(2, "0")}`, "01", now - (59 - index) * MINUTE - kind * 9_000, 1_500 * wave, {
        provider,
        model,
        toFirst: 0.3 + wave / 4,
        input: [message("user", text(questions[(index + kind) % questions.length]))],
        output: [message("assistant", text("Here it is."), "stop")],
        usage: {
          input_tokens: tokens,
          output_tokens: Math.round(output * wave),
          "cache_read.input_tokens": Math.round(tokens * 0.6),
        },
        user: ["ann", "bob", "cleo"][index % 3],
      });
    });
    return traces(service, "tests", spans);
  });
};

/** A session of three traces in today's OpenTelemetry conventions: a tool is called, its answer is read by the next call. */
function conversation(now) {
  const system = [text("You are a *weather* assistant.\nAnswer in markdown and never guess.")];
  const tools = [
    {
      type: "function",
      name: "get_weather",
      description: "Current weather of a city",
      parameters: { type: "object", properties: { city: { type: "string" }, unit: { enum: ["C", "F"] } } },
    },
  ];
  const question = message("user", text("What is the weather in Oslo and in Bergen?"));
  const calls = message(
    "assistant",
    { type: "reasoning", content: "The user wants two cities. I need the tool twice." },
    { type: "tool_call", id: "call_oslo", name: "get_weather", arguments: { city: "Oslo", unit: "C" } },
    { type: "tool_call", id: "call_bergen", name: "get_weather", arguments: { city: "Bergen", unit: "C" } },
    "tool_calls",
  );
  const answers = [
    message("tool", { type: "tool_call_response", id: "call_bergen", response: { temperature: 9, sky: "rain" } }),
    message("tool", { type: "tool_call_response", id: "call_oslo", response: { temperature: 4, sky: "clear" } }),
  ];
  const table = message("assistant", text(WEATHER), "stop");
  const thanks = message("user", text("Thanks! And what should I wear?"));
  const advice = message("assistant", text("A **rain jacket** in Bergen; a warm one in Oslo."), "stop");
  const common = {
    model: "gpt-4o-mini",
    answered: "gpt-4o-mini-2024-07-18",
    system,
    tools,
    session: "chat-42",
    user: "ann",
    tags: ["beta", "weather"],
    parameters: { temperature: 0.2, max_tokens: 400 },
  };
  return [
    chat("10", "01", now - 9 * MINUTE, 1_900, {
      ...common,
      toFirst: 0.42,
      input: [question],
      output: [calls],
      usage: {
        input_tokens: 1_200,
        output_tokens: 80,
        "cache_read.input_tokens": 1_000,
        "reasoning.output_tokens": 32,
      },
    }),
    chat("11", "01", now - 8.9 * MINUTE, 3_200, {
      ...common,
      toFirst: 0.61,
      input: [question, calls, ...answers],
      output: [table],
      usage: { input_tokens: 1_400, output_tokens: 240, "cache_read.input_tokens": 1_200 },
    }),
    chat("12", "01", now - 7 * MINUTE, 1_100, {
      ...common,
      toFirst: 0.38,
      input: [question, calls, ...answers, table, thanks],
      output: [advice],
      usage: { input_tokens: 1_700, output_tokens: 30, "cache_read.input_tokens": 1_600 },
    }),
  ];
}

const WEATHER = `## Weather

| City | °C | Sky |
|---|---:|---|
| Oslo | 4 | clear |
| Bergen | 9 | **rain** |

See [the forecast](https://www.yr.no/en) for tomorrow, or ask again:

\`\`\`python
weather = client.get("Oslo")
print(weather.temperature)
\`\`\`

- Oslo stays *dry*
- Bergen does not`;

function openInference(now) {
  return span("20", "01", null, "ChatAnthropic", now - 6 * MINUTE, 4_800, {
    "openinference.span.kind": "LLM",
    "llm.provider": "anthropic",
    "llm.system": "anthropic",
    "llm.model_name": "claude-sonnet-4-5",
    "llm.invocation_parameters": JSON.stringify({ max_tokens: 1024, temperature: 1 }),
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "You answer customers of a shop.",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": "Is this lamp broken?",
    "llm.input_messages.1.message.contents.1.message_content.type": "image",
    "llm.input_messages.1.message.contents.1.message_content.image.image.url": "https://tracker.invalid/lamp.png",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "The glass has a crack on its left side.",
    "llm.token_count.prompt": 2_000,
    "llm.token_count.completion": 400,
    "llm.token_count.total": 2_400,
    "llm.token_count.prompt_details.cache_read": 1_500,
    "session.id": "ticket-7",
    "user.id": "bob",
  });
}

function vercel(now) {
  return span("30", "01", null, "ai.generateText.doGenerate", now - 5 * MINUTE, 700, {
    "ai.operationId": "ai.generateText.doGenerate",
    "operation.name": "ai.generateText.doGenerate",
    "ai.model.provider": "google.generative-ai",
    "ai.model.id": "gemini-2.5-flash",
    "ai.response.model": "gemini-2.5-flash",
    "ai.prompt.messages": JSON.stringify([{ role: "user", content: [{ type: "text", text: "A title for this page?" }] }]),
    "ai.response.text": "What the models said",
    "ai.response.finishReason": "stop",
    "ai.usage.inputTokens": 500,
    "ai.usage.outputTokens": 12,
    "ai.telemetry.functionId": "title",
  });
}

/** An agent that searches again and again, and whose tool fails in the end. */
function agent(now) {
  const start = now - 4 * MINUTE;
  const spans = [
    span("40", "a0", null, "invoke_agent researcher", start, 14_000, {
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "researcher",
      "gen_ai.provider.name": "openai",
    }),
  ];
  for (let round = 0; round < 4; round += 1) {
    const at = start + 200 + round * 3_000;
    spans.push(
      chat("40", `b${round}`, at, 1_000, {
        parent: "a0",
        agent: "researcher",
        model: "gpt-4o",
        input: [message("user", text("Who wrote the oldest letter?"))],
        output: [
          message(
            "assistant",
            { type: "tool_call", id: `s${round}`, name: "search", arguments: { query: "oldest letter" } },
            "tool_calls",
          ),
        ],
        usage: { input_tokens: 1_000 + round * 100, output_tokens: 40 },
      }),
    );
    const isLast = round === 3;
    spans.push(
      span("40", `c${round}`, "a0", "execute_tool search", at + 1_100, 1_500, {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.call.id": `s${round}`,
        "gen_ai.tool.call.arguments": JSON.stringify({ query: "oldest letter" }),
        "gen_ai.agent.name": "researcher",
        ...(isLast ? { "error.type": "TimeoutError" } : { "gen_ai.tool.call.result": JSON.stringify({ hits: [] }) }),
      }, isLast ? "the search did not answer within 1.5 s" : null),
    );
  }
  return spans;
}

function unpriced(now) {
  return chat("70", "01", now - 3 * MINUTE, 2_000, {
    provider: "house",
    model: "house-model-7b",
    input: [message("user", text("Summarise the minutes of the meeting."))],
    output: [message("assistant", text("They agreed to meet again."), "stop")],
    usage: { input_tokens: 5_000, output_tokens: 100 },
  });
}

function failed(now) {
  return chat("71", "01", now - 2.5 * MINUTE, 300, {
    model: "gpt-4o-mini",
    input: [message("user", text("Are you there?"))],
    output: [],
    error: "rate_limit_exceeded",
  });
}

function reported(now) {
  return chat("72", "01", now - 2 * MINUTE, 9_000, {
    provider: "openrouter",
    model: "vendor/big-model",
    input: [message("user", text("Write a long report about the cost of models."))],
    output: [message("assistant", text("It is long, and it was dear."), "stop")],
    usage: { input_tokens: 30_000, output_tokens: 4_000, cost: 0.75 },
  });
}

const HOSTILE = [
  "<script>window.hacked = true</script>",
  '<img src="https://tracker.invalid/pixel.png" onerror="window.hacked = true">',
  "[click me](javascript:window.hacked=true)",
  "![pixel](https://tracker.invalid/pixel.png?who=me)",
  "[bank.example](https://evil.invalid/login)",
  '<a href="#" onclick="window.hacked = true">link</a>',
].join("\n\n");

function hostile(now) {
  return chat("80", "01", now - 1.9 * MINUTE, 400, {
    model: "<b>model</b>",
    input: [
      message("user", text(HOSTILE)),
      message("assistant", { type: "tool_call", id: "x1", name: "</code><script>", arguments: '{"path": "/tmp/a", "broken' }),
      message("tool", { type: "tool_call_response", id: "nobody", response: "<script>1</script>" }),
      message("__proto__", { type: "strange", constructor: "none" }),
    ],
    output: [message("assistant", text(HOSTILE), "stop")],
    usage: { input_tokens: 10, output_tokens: 10 },
    session: "s/1?<script>#é",
  });
}

function hugeText(now) {
  return chat("81", "01", now - 1.8 * MINUTE, 400, {
    model: "gpt-4o-mini",
    input: [message("user", text(`The beginning. ${"lorem ipsum dolor **sit** amet ".repeat(20_000)} The end.`))],
    output: [message("assistant", text("*_".repeat(30_000)), "length")],
    usage: { input_tokens: 120_000, output_tokens: 10 },
  });
}

function rightToLeft(now) {
  return chat("82", "01", now - 1.7 * MINUTE, 400, {
    model: "gpt-4o-mini",
    input: [message("user", text("ما هي عاصمة النرويج؟"))],
    output: [message("assistant", text("עיר הבירה היא **אוסלו** (Oslo)."), "stop")],
    usage: { input_tokens: 12, output_tokens: 9 },
  });
}

/** What the proxy saw of the session's first call. */
function exchange(now) {
  const request = {
    model: "gpt-4o-mini",
    stream: true,
    messages: [{ role: "user", content: "What is the weather in Oslo and in Bergen?" }],
  };
  const pairs = (object) => ({
    kvlistValue: { values: Object.entries(object).map(([key, value]) => ({ key, value })) },
  });
  const string = (value) => ({ stringValue: value });
  return {
    path: "/v1/logs",
    body: {
      resourceLogs: [
        {
          resource: resource("assistant"),
          scopeLogs: [
            {
              scope: { name: "fanlight.proxy" },
              logRecords: [
                {
                  timeUnixNano: nanos(now - 9 * MINUTE + 1_900),
                  traceId: traceId("10"),
                  spanId: spanId("10", "01"),
                  severityNumber: 9,
                  eventName: "fanlight.llm.exchange",
                  body: pairs({
                    request: pairs({
                      method: string("POST"),
                      url: string("https://api.openai.com/v1/chat/completions"),
                      headers: pairs({ "content-type": string("application/json"), authorization: string("[redacted]") }),
                      body: string(JSON.stringify(request)),
                    }),
                    response: pairs({
                      status: { intValue: "200" },
                      headers: pairs({ "x-request-id": string("req_123") }),
                      body: string('data: {"choices":[{"delta":{"content":""}}]}\n\ndata: [DONE]\n\n'),
                      truncated: { boolValue: false },
                    }),
                  }),
                },
              ],
            },
          ],
        },
      ],
    },
  };
}

function chat(trace, id, start, duration, call) {
  const attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": call.provider ?? "openai",
    "gen_ai.request.model": call.model,
    "gen_ai.response.model": call.error ? undefined : (call.answered ?? call.model),
    "gen_ai.response.finish_reasons": call.output.map((one) => one.finish_reason).filter(Boolean),
    "gen_ai.response.time_to_first_chunk": call.toFirst,
    "gen_ai.request.stream": call.toFirst === undefined ? undefined : true,
    "gen_ai.input.messages": JSON.stringify(call.input),
    "gen_ai.output.messages": call.output.length > 0 ? JSON.stringify(call.output) : undefined,
    "gen_ai.system_instructions": call.system && JSON.stringify(call.system),
    "gen_ai.tool.definitions": call.tools && JSON.stringify(call.tools),
    "gen_ai.agent.name": call.agent,
    "session.id": call.session,
    "user.id": call.user,
    "langfuse.trace.tags": call.tags,
    "error.type": call.error,
  };
  for (const [name, value] of Object.entries(call.parameters ?? {})) attributes[`gen_ai.request.${name}`] = value;
  for (const [name, value] of Object.entries(call.usage ?? {})) attributes[`gen_ai.usage.${name}`] = value;
  const problem = call.error ? `the provider answered ${call.error}` : null;
  return span(trace, id, call.parent ?? null, `chat ${call.model}`, start, duration, attributes, problem);
}

function span(trace, id, parent, name, start, duration, attributes, problem = null) {
  return {
    traceId: traceId(trace),
    spanId: spanId(trace, id),
    ...(parent !== null && { parentSpanId: spanId(trace, parent) }),
    name,
    kind: 3,
    startTimeUnixNano: nanos(start),
    endTimeUnixNano: nanos(start + duration),
    attributes: Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ({ key, value: anyValue(value) })),
    status: problem === null ? {} : { code: 2, message: problem },
  };
}

function traces(service, scope, spans) {
  const body = { resourceSpans: [{ resource: resource(service), scopeSpans: [{ scope: { name: scope }, spans }] }] };
  return { path: "/v1/traces", body };
}

const resource = (service) => ({ attributes: [{ key: "service.name", value: { stringValue: service } }] });
const text = (content) => ({ type: "text", content });

/** Parts, and last the reason why the model stopped where there is one. */
function message(role, ...parts) {
  const reason = typeof parts.at(-1) === "string" ? parts.pop() : undefined;
  return { role, parts, ...(reason !== undefined && { finish_reason: reason }) };
}

function anyValue(value) {
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { stringValue: value };
}

const nanos = (milliseconds) => `${BigInt(Math.round(milliseconds)) * 1_000_000n}`;

/** Ids by the short names that are used here. */
function traceId(name) {
  return name.padStart(32, "0");
}

function spanId(trace, name) {
  return `${trace}${name}`.padStart(16, "0");
}

exports.traceId = traceId;
exports.spanId = spanId;
