// What every view must show of the telemetry of tests/clients/python/all_signals.py: two traces of three spans each,
// one of which failed with an exception, log records of the last trace, and metrics of every kind.

const fs = require("node:fs");
const { count, equal, texts } = require("./expect");

/** Each view by itself: opened by its URL, since everything that is shown stands in there. */
exports.VIEWS = [
  {
    name: "traces",
    seen: "two traces by error, attribute and operation, none by another; the scatter plot; j and Enter open one",
    async visit(page, url) {
      await page.goto(`${url}/traces?errors=true&service=checkout&operation=charge+card`);
      await count(page.getByTestId("trace-row"), 2);
      await page.goto(`${url}/traces?attr=order%3D1`);
      await count(page.getByTestId("trace-row"), 1);
      await page.goto(`${url}/traces?q=nothing-holds-this`);
      await page.getByText("No trace matches").waitFor();
      await page.goto(`${url}/traces`);
      await count(page.getByTestId("trace-row"), 2);
      await page.getByTestId("scatter-plot").waitFor();
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.getByTestId("waterfall-row").first().waitFor();
      await page.goBack();
      await count(page.getByTestId("trace-row"), 2);
    },
  },
  {
    name: "trace",
    seen: "the waterfall, a failed span with its events, every kind of attribute, search with the rest hidden",
    async visit(page, url) {
      await openTrace(page, url);
      await count(page.getByTestId("waterfall-row"), 3);
      await page.keyboard.press("e");
      const detail = page.getByTestId("span-detail");
      for (const text of ["retry", "exception", "card refused"]) await detail.getByText(text).first().waitFor();
      await page.getByTestId("waterfall-row").first().click();
      for (const text of ["Grüße, 世界 🦀", "9007199254740993", "0.1"]) {
        await detail.getByText(text, { exact: true }).first().waitFor();
      }
      await page.keyboard.press("t");
      await page.locator(".critical").first().waitFor();
      // The shortest span: one that takes nearly all of the trace can't be zoomed to.
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      await page.keyboard.press("z");
      await page.waitForURL(/zoom=/);
      await page.keyboard.press("0");
      await page.keyboard.press("/");
      await page.keyboard.type("attempt");
      await page.getByRole("button", { name: "Hide the rest" }).click();
      await count(page.getByTestId("waterfall-row"), 2);
    },
  },
  {
    name: "flame graph",
    seen: "the operations of the trace",
    async visit(page, url) {
      await openTrace(page, url);
      await page.getByTestId("trace-flame-tab").click();
      await page.getByTestId("flame-graph").focus();
      await page.keyboard.press("ArrowDown");
      await page.getByTestId("flame-frame").getByText("POST /orders").waitFor();
    },
  },
  {
    name: "statistics",
    seen: "each operation with its errors",
    async visit(page, url) {
      await openTrace(page, url);
      await page.getByTestId("trace-statistics-tab").click();
      const row = page.getByTestId("trace-statistics").getByRole("row", { name: /charge card/ });
      await texts(row.getByRole("cell"), ["1", "1"], [0, 2]);
    },
  },
  {
    name: "compare",
    seen: "the other trace of the same operation, row by row",
    async visit(page, url) {
      await openTrace(page, url);
      await page.getByTestId("trace-compare-tab").click();
      await page.getByTestId("compare-candidate").first().click();
      await count(page.getByTestId("compare-row"), 3);
    },
  },
  {
    name: "share",
    seen: "a page without scripts, and OTLP/JSON with the same three spans",
    async visit(page, url) {
      await openTrace(page, url);
      const html = await download(page, "Download as a page");
      if (!html.includes("charge card") || /<script/i.test(html)) throw new Error("the shared page is not right");
      const otlp = JSON.parse(await download(page, "Download as OTLP/JSON"));
      const spans = otlp.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
      equal(spans.map(({ name }) => name).sort(), ["POST /orders", "charge card", "send mail"]);
    },
  },
  {
    name: "live",
    seen: "traces and log records in one list, and the pause",
    async visit(page, url) {
      await page.goto(`${url}/live`);
      await page.locator('[data-testid="live-row"][data-signal="trace"]').first().waitFor();
      await page.locator('[data-testid="live-row"][data-signal="log"]').first().waitFor();
      await page.getByTestId("rate-chart").waitFor();
      await page.keyboard.press("p");
      await page.getByTestId("live-toggle").getByText("Paused").waitFor();
      await page.keyboard.press("p");
    },
  },
  {
    name: "logs",
    seen: "records by severity and text, facets, the histogram, and the way to the span",
    async visit(page, url) {
      await page.goto(`${url}/logs`);
      await count(page.getByTestId("log-row"), 4);
      await page.getByTestId("rate-chart").waitFor();
      await page.getByTestId("log-facets").getByRole("button", { name: /ERROR/ }).click();
      await page.waitForURL(/severityMin=17/);
      await count(page.getByTestId("log-row"), 1);
      await page.goto(`${url}/logs?q=order+placed`);
      await count(page.getByTestId("log-row"), 1);
      await page.getByText("order placed").first().click();
      await page.getByTestId("log-detail").getByRole("link", { name: "Open the span" }).waitFor();
    },
  },
  {
    name: "metrics",
    seen: "the metrics; a counter grouped by attribute, a histogram as a heat map",
    async visit(page, url) {
      await page.goto(`${url}/metrics`);
      for (const name of ["shop.orders", "shop.duration", "shop.payload"]) await page.getByText(name).first().waitFor();
      await page.goto(`${url}/metrics?metric=shop.orders&agg=sum&by=country`);
      const chart = page.getByTestId("time-chart");
      for (const country of ["NO", "JP"]) await chart.getByText(country, { exact: true }).waitFor();
      await page.goto(`${url}/metrics?metric=shop.payload`);
      await page.getByTestId("heat-map").waitFor();
    },
  },
  {
    name: "services",
    seen: "the service, its operations and their errors",
    async visit(page, url) {
      await page.goto(`${url}/services`);
      await page.locator('[data-testid="service-row"][data-service="checkout"]').waitFor();
      await page.goto(`${url}/services?service=checkout`);
      const row = page.getByTestId("operation-row").filter({ hasText: "charge card" });
      await texts(row.getByRole("cell"), ["2", "2"], [0, 2]);
      await count(page.getByTestId("time-chart"), 3);
    },
  },
  {
    name: "service map",
    seen: "the service as a node that leads to it",
    async visit(page, url) {
      await page.goto(`${url}/services?view=map`);
      await page.getByTestId("map-node").filter({ hasText: "checkout" }).waitFor();
    },
  },
  {
    name: "errors",
    seen: "the exception of both traces as one group, with examples",
    async visit(page, url) {
      await page.goto(`${url}/errors`);
      const row = page.getByTestId("error-row").filter({ hasText: "ValueError" });
      await row.getByText("2", { exact: true }).waitFor();
      await row.click();
      await page.getByTestId("error-detail").getByText("card refused").first().waitFor();
      await count(page.getByTestId("example-trace"), 2);
    },
  },
  {
    name: "profiles",
    seen: "that none has arrived, and how they come",
    async visit(page, url) {
      await page.goto(`${url}/profiles`);
      await page.getByText("No profile has arrived").waitFor();
    },
  },
  {
    name: "sql",
    seen: "schema, result, chart, and what is wrong with a query in SQLite's words",
    async visit(page, url) {
      await page.goto(`${url}/sql`);
      await page.getByTestId("sql-schema").getByText("duration_ms").first().waitFor();
      await page.getByTestId("sql-editor").fill("select name, count(*) as n from spans group by name order by name");
      await page.keyboard.press("Control+Enter");
      const result = page.getByTestId("sql-result");
      await result.getByText("charge card").waitFor();
      await texts(result.getByRole("listitem").first().locator("span"), ["POST /orders", "2"]);
      await page.getByRole("link", { name: "Chart" }).click();
      await page.getByTestId("sql-chart").waitFor();
      await page.goto(`${url}/sql?sql=selec+1`);
      await page.getByTestId("sql-error").getByText("syntax error").waitFor();
      await page.goBack();
      await page.getByTestId("sql-chart").waitFor();
    },
  },
  {
    name: "destinations",
    seen: "that the store took all items, and where the hub listens",
    async visit(page, url) {
      await page.goto(`${url}/destinations`);
      const store = page.locator('[data-testid="status-exporter"][data-exporter="store"]');
      await store.getByText("Healthy").waitFor();
      await store.getByText("26", { exact: true }).waitFor();
      await page.getByText("OTLP/gRPC").first().waitFor();
    },
  },
  {
    name: "palette",
    seen: "Ctrl-K leads to a page by typing",
    async visit(page, url) {
      await page.goto(`${url}/logs`);
      await page.keyboard.press("Control+k");
      await page.getByTestId("command-palette").getByRole("combobox").fill("checkout: traces");
      await page.getByRole("option", { name: /checkout: traces/i }).first().waitFor();
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/traces\?service=checkout/);
      await count(page.getByTestId("trace-row"), 2);
    },
  },
];

async function openTrace(page, url) {
  await page.goto(`${url}/traces`);
  await page.getByTestId("trace-row").first().click();
  await page.getByTestId("waterfall-row").first().waitFor();
}

async function download(page, name) {
  await page.getByRole("button", { name: "Share" }).click();
  const arriving = page.waitForEvent("download");
  await page.getByRole("button", { name }).click();
  const text = fs.readFileSync(await (await arriving).path(), "utf8");
  await page.keyboard.press("Escape");
  return text;
}
