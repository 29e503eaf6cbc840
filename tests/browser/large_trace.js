// A trace of 50,000 spans: sent, opened, scrolled through and searched, with the times that the browser took.

const crypto = require("node:crypto");

const SPANS = 50_000;
const PER_REQUEST = 5_000;
/** Far above what it takes, even on a busy machine without a graphics card: drawing all rows would take minutes. */
const FRAME_LIMIT_MS = 1_000;

exports.measureLargeTrace = async function measureLargeTrace(browser, url) {
  const traceId = crypto.randomBytes(16).toString("hex");
  await send(url, traceId);
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(60_000);
  const opened = Date.now();
  await page.goto(`${url}/traces/${traceId}`);
  await page.getByText("50,000", { exact: true }).first().waitFor();
  await page.getByTestId("waterfall-row").first().waitFor();
  const openMs = Date.now() - opened;
  const { median, worst, rows } = await page.evaluate(scroll);
  const searched = Date.now();
  await page.getByRole("searchbox").fill("needle");
  await page.getByTestId("search-count").getByText("1 found").waitFor();
  const searchMs = Date.now() - searched;
  console.log(
    `50,000 spans: opened in ${openMs} ms, a jump drawn in ${median.toFixed(0)} ms (95 of 100 in ` +
      `${worst.toFixed(0)} ms) with ${rows} rows, one found in ${searchMs} ms`,
  );
  if (rows > 200) throw new Error(`${rows} rows are in the document: they are not drawn by need`);
  if (median > FRAME_LIMIT_MS) throw new Error(`a jump takes ${median} ms to draw`);
  await page.close();
};

/** In the page: jumps through the whole waterfall, several screens at a time. */
async function scroll() {
  const scroller = document.querySelector(".waterfall .scroller");
  const times = [];
  for (let jump = 0; jump < 100; jump += 1) {
    const start = performance.now();
    scroller.scrollTop += (scroller.scrollHeight / 100) | 0;
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { median: times[50], worst: times[95], rows: document.querySelectorAll('[data-testid="waterfall-row"]').length };
}

async function send(url, traceId) {
  const start = BigInt(Date.now()) * 1_000_000n - 60_000_000_000n;
  const spanId = (index) => (index + 1).toString(16).padStart(16, "0");
  const span = (index) => ({
    traceId,
    spanId: spanId(index),
    ...(index > 0 ? { parentSpanId: spanId(Math.floor((index - 1) / 8)) } : {}),
    name: index === SPANS - 7 ? "needle" : `step ${index % 40}`,
    kind: 1,
    startTimeUnixNano: String(start + BigInt(index) * 1_000_000n),
    endTimeUnixNano: String(start + BigInt(index) * 1_000_000n + 5_000_000n),
    attributes: [{ key: "index", value: { intValue: String(index) } }],
    status: index % 997 === 5 ? { code: 2, message: "failed" } : {},
  });
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "batch" } }] };
  for (let first = 0; first < SPANS; first += PER_REQUEST) {
    const spans = Array.from({ length: PER_REQUEST }, (_, offset) => span(first + offset));
    const response = await fetch(`${url}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }),
    });
    if (!response.ok) throw new Error(`sending spans: ${response.status} ${await response.text()}`);
  }
}
