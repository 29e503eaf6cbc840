// Calls of language models with the SDKs that people use in JavaScript, as their documents write them.
//
// `calls.js ADDRESS direct|proxied`: the same calls either straight to the provider at that address, or through the proxy
// there. Each case prints a line of JSON: its name, the calls that it makes, and what the SDK made of the answers.

const { createOpenAI } = require("@ai-sdk/openai");
const { generateText, streamText, tool, stepCountIs } = require("ai");
const OpenAI = require("openai");
const { z } = require("zod");

const [address] = process.argv.slice(2);
const baseURL = `${address}/v1`;
const apiKey = process.env.OPENAI_API_KEY;
const messages = [{ role: "user", content: "Say hello" }];
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const vercel = createOpenAI({ baseURL, apiKey });

async function collected(stream) {
  const all = [];
  for await (const one of stream) all.push(one);
  return all;
}

const cases = [
  [
    "A5 openai: chat, stream and embeddings",
    ["chat", "chat stream", "embedding"],
    async () => {
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
    async () => {
      const answer = await client.responses.create({ model: "gpt-4o-mini", input: "Say hello" });
      const events = await collected(await client.responses.create({ model: "gpt-4o-mini", input: "Say hello", stream: true }));
      return [answer.output_text, events.map((event) => event.type)];
    },
  ],
  [
    "A5 ai: generateText and streamText",
    ["response", "response stream"],
    async () => {
      const answer = await generateText({ model: vercel("gpt-4o-mini"), prompt: "Say hello", maxRetries: 0 });
      const stream = streamText({ model: vercel("gpt-4o-mini"), prompt: "Say hello", maxRetries: 0 });
      const pieces = await collected(stream.textStream);
      return [answer.text, answer.usage.totalTokens, pieces, (await stream.usage).totalTokens];
    },
  ],
  [
    "A5 ai: a tool and what comes of it",
    ["response", "response"],
    async () => {
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

(async () => {
  for (const [name, calls, run] of cases) {
    let result;
    try {
      result = await run();
    } catch (error) {
      result = ["failed", String(error)];
      console.error(name, error);
    }
    console.log(JSON.stringify({ case: name, calls, result }));
  }
})();
