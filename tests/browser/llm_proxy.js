// A call through the hub's proxy to a provider that this script plays, on the page, and made again as the page says.

const { execFile } = require("node:child_process");
const http = require("node:http");
const { promisify } = require("node:util");
const { equal } = require("./expect");

const KEY = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyzABCD";
const AGAIN = "sk-proj-another";
const QUESTION = "What's in the proxy's log, \"nothing\"?";

exports.callThroughProxy = async function callThroughProxy(page, url, proxy, upstream) {
  const asked = [];
  const provider = http.createServer((request, response) => void answer(request, response, asked));
  await new Promise((resolve) => provider.listen(Number(upstream), "127.0.0.1", resolve));
  try {
    const body = JSON.stringify({
      model: "gpt-4o-mini",
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
      messages: [{ role: "user", content: QUESTION }],
    });
    const reply = await fetch(`${proxy}/v1/chat/completions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${KEY}`,
        "content-type": "application/json",
        "x-fanlight-session-id": "through-the-proxy",
        "x-fanlight-service": "proxied",
      },
      body,
    });
    equal((await reply.text()).endsWith("data: [DONE]\n\n"), true);
    await page.goto(`${url}/llm?service=proxied`);
    const row = page.getByTestId("call-row").first();
    for (const text of ["gpt-4o-mini", "1,000 → 20", "$0.000162", "first token"]) await row.getByText(text).first().waitFor();
    await row.getByText("Nothing but calls.").waitFor();
    await row.click();
    await page.getByTestId("call-raw-tab").click();
    await page.getByTestId("call-raw").getByText("data: [DONE]").waitFor();
    equal((await page.content()).includes(KEY), false);
    await page.keyboard.press("c");
    const replay = page.getByTestId("call-replay").locator("code").last();
    await replay.getByText("/v1/chat/completions'").waitFor();
    const command = await replay.innerText();
    await promisify(execFile)("sh", ["-c", `${command} --silent`], { env: { ...process.env, OPENAI_API_KEY: AGAIN } });
    equal(asked.map(({ key }) => key), [`Bearer ${KEY}`, `Bearer ${AGAIN}`]);
    equal(asked[1].body, JSON.parse(body));
    console.log("proxy: a streamed call with its exchange, without its key; the command makes the same call again");
  } finally {
    provider.closeAllConnections();
    provider.close();
  }
};

async function answer(request, response, asked) {
  let body = "";
  for await (const chunk of request) body += chunk;
  asked.push({ key: request.headers.authorization, body: JSON.parse(body) });
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (chunk) =>
    response.write(`data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", model: "gpt-4o-mini", ...chunk })}\n\n`);
  send({ choices: [{ index: 0, delta: { role: "assistant", content: "Nothing " } }] });
  send({ choices: [{ index: 0, delta: { content: "but calls." }, finish_reason: "stop" }] });
  send({ choices: [], usage: { prompt_tokens: 1_000, completion_tokens: 20, total_tokens: 1_020 } });
  response.end("data: [DONE]\n\n");
}
