// A person's first visit to every view of the page: node page.js CHROMIUM URL PICTURES SENDER
//
// SENDER is a JSON list: the command that sends telemetry to the hub. Prints what was seen; fails on the first thing
// that is not there, on any error in the browser's console, and on anything that axe-core finds.

const { spawn } = require("node:child_process");
const path = require("node:path");
const { chromium } = require("playwright-core");
const { checkAccessibility } = require("./accessibility");
const { measureLargeTrace } = require("./large_trace");
const { VIEWS } = require("./views");

const [executablePath, url, pictures, sender] = process.argv.slice(2);

async function main() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const errors = [];
    // A wrong query is answered with 400, which the browser tells as an error of its own.
    const isWanted = (message) => message.location().url === `${url}/api/sql` && message.text().includes("400");
    page.on("console", (message) => {
      if (message.type() === "error" && !isWanted(message)) errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    await firstTrace(page);
    for (const view of VIEWS) {
      await view.visit(page, url);
      console.log(`${view.name}: ${view.seen}`);
      await picture(page, view.name);
    }
    if (errors.length > 0) throw new Error(`the browser's console has errors:\n${errors.join("\n")}`);
    await checkAccessibility(browser, url);
    await measureLargeTrace(browser, url);
  } finally {
    await browser.close();
  }
}

async function firstTrace(page) {
  await page.goto(url);
  await page.getByTestId("first-trace").waitFor();
  await page.getByTestId("language-python").click();
  await page.getByText("opentelemetry-instrument python app.py").waitFor();
  await picture(page, "first-visit");
  await send();
  await page.getByTestId("arrived").getByText("POST /orders").waitFor();
  console.log("first visit: the page walks to a first trace, and tells when it arrives without a reload");
}

function picture(page, name) {
  return page.screenshot({ path: path.join(pictures, `${name.replaceAll(" ", "-")}.png`) });
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
