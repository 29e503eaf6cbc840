// Calls of language models with the SDKs that people use in JavaScript, as their documents write them.
//
// `calls.js PROVIDERS PROXY`: every case makes its calls straight to the providers at the one address, and through the proxy
// at the other. It prints a line of JSON: its name, the calls that it makes, and what the SDK made of the answers each way.

const { createOpenAI } = require("@ai-sdk/openai");
const { generateText, streamText, tool, stepCountIs } = require("ai");
const OpenAI = require("openai");
const { z } = require("zod");

const apiKey = process.env.OPENAI_API_KEY;
// What makes a call a `tagged` one.
const TAGGED = { "X-LLMFlow-Tag": "user:alice, env:prod", "X-Fanlight-Session": "s-1", "X-Fanlight-User": "alice" };
const messages = [{ role: "user", content: "Say hello" }];

async function collected(stream) {
  const all = [];
  for await (const one of stream) all.push(one);
  return all;
}

const cases = [
  [
    "A5 openai: chat, stream and embeddings",
    ["chat", "chat stream", "embedding"],
    async ({ client }) => {
      const answer = await client.chat.completions.create({ model: "gpt-4o-mini", messages });
      const stream = await client.chat.completions.create({ model: "gpt-4o-mini", messages, stream: true });
      const chunks = await collected(stream);
      const embeddings = await client.embeddings.create({ model: "text-embedding-3-small", input: "Say hello" });
      return [answer.choices[0].message.content, chunks.map((one) => one.choices[0].delta.content), embeddings.data[0].embedding];
    },
  ],
  [
    "A5 openai: responses",
    ["response", "response stream"],
    async ({ client }) => {
      const answer = await client.responses.create({ model: "gpt-4o-mini", input: "Say hello" });
      const events = await collected(await client.responses.create({ model: "gpt-4o-mini", input: "Say hello", stream: true }));
      return [answer.output_text, events.map((event) => event.type)];
    },
  ],
  [
    "A5 ai: generateText and streamText",
    ["response", "response stream"],
    async ({ vercel }) => {
      const answer = await generateText({ model: vercel("gpt-4o-mini"), prompt: "Say hello", maxRetries: 0 });
      const stream = streamText({ model: vercel("gpt-4o-mini"), prompt: "Say hello", maxRetries: 0 });
      const pieces = await collected(stream.textStream);
      return [answer.text, answer.usage.totalTokens, pieces, (await stream.usage).totalTokens];
    },
  ],
  [
    "A8 openai and ai: tags, session and user",
    ["tagged chat stream", "tagged response"],
    async ({ client, vercel }) => {
      const asked = { model: "gpt-4o-mini", messages, stream: true };
      const chunks = await collected(await client.chat.completions.create(asked, { headers: TAGGED }));
      const answer = await generateText({ model: vercel("gpt-4o-mini"), prompt: "Say hello", maxRetries: 0, headers: TAGGED });
      return [chunks.length, answer.text];
    },
  ],
  [
    "A5 ai: a tool and what comes of it",
    ["response", "response"],
    async ({ vercel }) => {
      const answer = await generateText({
        model: vercel("gpt-4o-mini"),
        prompt: "How is the weather?",
        maxRetries: 0,
        stopWhen: stepCountIs(3),
        tools: {
          weather: tool({
            description: "The weather of a city.",
            inputSchema: z.object({ city: z.string() }),
            execute: async ({ city }) => `Sunny in ${city}`,
          }),
        },
      });
      return [answer.steps.length, answer.steps[0].toolResults[0].output, answer.text];
    },
  ],
];

async function attempt(name, run, address) {
  const settings = { baseURL: `${address}/v1`, apiKey };
  try {
    return await run({ client: new OpenAI({ ...settings, maxRetries: 0 }), vercel: createOpenAI(settings) });
  } catch (error) {
    console.error(name, error);
    return ["failed", String(error)];
  }
}

(async () => {
  const [providers, proxy] = process.argv.slice(2);
  for (const [name, calls, run] of cases) {
    const direct = await attempt(name, run, providers);
    const proxied = await attempt(name, run, proxy);
    console.log(JSON.stringify({ case: name, calls, direct, proxied }));
  }
})();
