// How long the page takes to show what was searched for: node search.js CHROMIUM URL ROUNDS QUERY...
//
// The page is open; each search begins with its URL, as following a link does, and ends when the trace that the API answers
// first is drawn first. The last line is the median of each query, in milliseconds, as JSON.

const { chromium } = require("playwright-core");

const [executablePath, url, rounds, ...queries] = process.argv.slice(2);

async function main() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(`${url}/traces?service=nobody`);
    await page.getByText("No trace matches").waitFor();
    const medians = [];
    for (const query of queries) {
      const answer = await fetch(`${url}/api/traces?${query}&limit=50`);
      const { traces } = await answer.json();
      const times = [];
      for (let round = 0; round < Number(rounds); round += 1) {
        times.push(await page.evaluate(search, { query, first: traces[0].traceId }));
        await page.evaluate(search, { query: "service=nobody", first: null });
      }
      medians.push(times.sort((a, b) => a - b)[times.length >> 1]);
    }
    console.log(JSON.stringify(medians));
  } finally {
    await browser.close();
  }
}

/** In the page: goes to a query and waits until its first trace is drawn first, or, for null, until there is none. */
async function search({ query, first }) {
  const start = performance.now();
  history.pushState(null, "", `/traces?${query}`);
  dispatchEvent(new PopStateEvent("popstate"));
  const shown = () => document.querySelector('[data-testid="trace-row"]')?.dataset.traceId ?? null;
  while (shown() !== first) {
    if (performance.now() - start > 60_000) throw new Error(`${query}: ${first} is not shown`);
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  }
  return performance.now() - start;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
