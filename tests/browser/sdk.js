// What the SDK's examples did, on the page: node sdk.js CHROMIUM URL PICTURES
//
// The hub has the traces of `worker` and of `roulette`. Messages stand where their templates would, values are filled in
// and keep their types, and a model's calls show what they used. Fails on the first thing that is not there.

const path = require("node:path");
const { chromium } = require("playwright-core");

const [executablePath, url, pictures] = process.argv.slice(2);

async function main() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
    page.setDefaultTimeout(20_000);
    await worker(page);
    await roulette(page);
  } finally {
    await browser.close();
  }
}

async function worker(page) {
  await page.goto(`${url}/traces?service=worker`);
  await seen(page, "upload 3");
  await picture(page, "sdk-traces");
  await page.getByText("upload 3").last().click();
  await seen(page, "shrink 3", "decode", "encode");
  await page.getByText("shrink 3").first().click();
  await seen(page, "shrink {picture}", "code.line.number");
  await picture(page, "sdk-trace");
  console.log("worker: traces and spans show their messages, and the template in the detail");
  await page.goto(`${url}/logs?service=worker`);
  await seen(page, "3 is large", "half of 1 MB is left");
  await picture(page, "sdk-logs");
  console.log("worker: log records show their messages");
}

async function roulette(page) {
  await page.goto(`${url}/traces?service=my_logfire_service`);
  await page.getByText("invoke_agent roulette_agent").last().click();
  await seen(page, "chat gpt-4o", "running tool: roulette_wheel");
  await page.getByText("chat gpt-4o").first().click();
  await seen(page, "gen_ai.usage.input_tokens", "gen_ai.request.model");
  await picture(page, "sdk-agent");
  console.log("roulette: the agent's run shows its model's calls, its tool, and what they used");
}

async function seen(page, ...texts) {
  for (const text of texts) await page.getByText(text).first().waitFor();
}

function picture(page, name) {
  return page.screenshot({ path: path.join(pictures, `${name}.png`) });
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
