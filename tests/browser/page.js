// A person's first minute with the page: node page.js CHROMIUM URL PICTURES SENDER
//
// SENDER is a JSON list: the command that sends telemetry to the hub. Prints what was seen; fails on the first thing
// that is not there, and on any error in the browser's console.

const { spawn } = require("node:child_process");
const path = require("node:path");
const { chromium } = require("playwright-core");

const [executablePath, url, pictures, sender] = process.argv.slice(2);

async function main() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(15_000);
    const errors = [];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    await visit(page);
    if (errors.length > 0) throw new Error(`the browser's console has errors:\n${errors.join("\n")}`);
  } finally {
    await browser.close();
  }
}

async function visit(page) {
  await page.goto(url);
  await picture(page, "1-empty");
  await send();
  const trace = page.getByText("POST /orders").first();
  await trace.waitFor();
  console.log("a trace arrived in the open page");
  await picture(page, "2-traces");

  await trace.click();
  for (const span of ["charge card", "send mail"]) await page.getByText(span).first().waitFor();
  console.log("its waterfall shows the spans");
  await page.getByText("charge card").first().click();
  for (const text of ["retry", "card refused"]) await page.getByText(text).first().waitFor();
  console.log("a span shows its events and status");
  await picture(page, "3-waterfall");
  await page.getByText("POST /orders").last().click();
  await page.getByText("Grüße, 世界 🦀").first().waitFor();
  console.log("a span shows its attributes");
  await picture(page, "4-attributes");

  await page.goto(`${url}/logs`);
  await page.getByText("order placed").first().waitFor();
  console.log("the log records are listed");
  await picture(page, "5-logs");
  await page.goto(`${url}/metrics`);
  for (const name of ["shop.orders", "shop.duration", "shop.payload"]) await page.getByText(name).first().waitFor();
  console.log("the metrics are listed");
  await picture(page, "6-metrics");
}

function picture(page, name) {
  return page.screenshot({ path: path.join(pictures, `${name}.png`) });
}

function send() {
  const [program, ...rest] = JSON.parse(sender);
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`the sender ended with ${code}`))));
  });
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
