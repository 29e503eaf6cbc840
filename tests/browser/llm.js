// Calls of language models on the page: node llm.js CHROMIUM URL PICTURES UPSTREAM [DOCUMENTATION]
//
// The hub is empty at first, and its proxy takes port UPSTREAM of this machine for OpenAI. Spans of several instrumentations are sent to it while the page is open; then every page shows
// what they said, used and cost. Hostile, huge and broken content is text, and nothing is fetched from elsewhere. Fails on
// the first thing that is not there, on any error in the browser's console, and on anything that axe-core finds. With a
// folder DOCUMENTATION, such as docs/images, the pictures of the documentation are taken anew.

const path = require("node:path");
const { chromium } = require("playwright-core");
const { checkAccessibility } = require("./accessibility");
const data = require("./llm_data");
const { callThroughProxy } = require("./llm_proxy");
const { VIEWS, PATHS } = require("./llm_views");

const [executablePath, url, pictures, upstream, documentation] = process.argv.slice(2);

/** What is photographed, and under which name for the documentation. */
const PICTURES = [
  { name: "calls", path: "/llm" },
  { name: "call", path: `/llm/${data.traceId("11")}/${data.spanId("11", "01")}`, documented: "llm-call.png" },
  { name: "call-with-tools", path: `/llm/${data.traceId("10")}/${data.spanId("10", "01")}` },
  { name: "call-facts", path: `/llm/${data.traceId("10")}/${data.spanId("10", "01")}?view=facts` },
  { name: "call-raw", path: `/llm/${data.traceId("10")}/${data.spanId("10", "01")}?view=raw` },
  { name: "call-replay", path: `/llm/${data.traceId("10")}/${data.spanId("10", "01")}?view=replay` },
  { name: "call-hostile", path: `/llm/${data.traceId("80")}/${data.spanId("80", "01")}` },
  { name: "call-rtl", path: `/llm/${data.traceId("82")}/${data.spanId("82", "01")}` },
  { name: "sessions", path: "/sessions" },
  { name: "session", path: "/sessions/chat-42" },
  { name: "cost", path: "/cost?range=1h", documented: "cost.png" },
  { name: "agents", path: "/agents" },
  { name: "agent", path: "/agents?agent=researcher" },
  { name: "trace", path: `/traces/${data.traceId("11")}?span=${data.spanId("11", "01")}` },
];

async function main() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const errors = watch(page);
    const proxy = await firstCall(page);
    for (const view of VIEWS) {
      await view.visit(page, url, send);
      console.log(`${view.name}: ${view.seen}`);
    }
    await callThroughProxy(page, url, proxy, upstream);
    if (errors.length > 0) throw new Error(`the browser had trouble:\n${errors.join("\n")}`);
    await checkAccessibility(browser, url, PATHS);
    for (const request of data.history(Date.now())) await send(request);
    await photograph(browser);
  } finally {
    await browser.close();
  }
}

/** Errors of the console, and requests that leave the hub. */
function watch(page) {
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(url) && !asked.startsWith("data:") && !asked.startsWith("blob:")) errors.push(`asked for ${asked}`);
  });
  return errors;
}

/** The page waits, and shows the calls when they come. Returns the proxy's address. */
async function firstCall(page) {
  await page.goto(`${url}/llm`);
  const first = page.getByTestId("first-call");
  await first.getByText("Waiting for the first LLM call").waitFor();
  const { listening } = await (await fetch(`${url}/api/status`)).json();
  const proxy = `http://${listening.find(({ component }) => component === "llm_proxy").address}`;
  await first.getByText(`${proxy}/v1`).first().waitFor();
  await page.getByTestId("sdk-anthropic").click();
  await first.getByText(`${proxy}/anthropic`).first().waitFor();
  await page.screenshot({ path: path.join(pictures, "first-call.png") });
  await page.goto(`${url}/traces`);
  await page.getByTestId("start-llm").click();
  await page.getByTestId("first-trace").getByText(`${proxy}/v1`).first().waitFor();
  await page.goto(`${url}/llm`);
  await first.waitFor();
  for (const request of data.requests(Date.now())) await send(request);
  await page.locator(`[data-testid="call-row"][data-span-id="${data.spanId("10", "01")}"]`).first().waitFor();
  console.log("first visit: how calls are recorded, with the real address; they appear without a reload");
  return proxy;
}

async function send({ path: where, body }) {
  const answer = await fetch(url + where, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${where} answered ${answer.status}: ${await answer.text()}`);
}

async function photograph(browser) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      const size = { width, height: width === 390 ? 844 : 800 };
      const context = await browser.newContext({ viewport: size, colorScheme, reducedMotion: "reduce" });
      const page = await context.newPage();
      for (const picture of PICTURES) {
        await page.goto(url + picture.path);
        await page.locator("p[role=status]", { hasText: /^Loading/ }).waitFor({ state: "detached" });
        await page.waitForFunction(() => document.querySelector("h1") && !document.querySelector('[aria-busy="true"]'));
        await page.screenshot({ path: path.join(pictures, `${picture.name}-${width}-${colorScheme}.png`) });
        const isDocumented = picture.documented && width === 1280 && colorScheme === "light";
        if (isDocumented && documentation) await page.screenshot({ path: path.join(documentation, picture.documented) });
      }
      await context.close();
    }
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
