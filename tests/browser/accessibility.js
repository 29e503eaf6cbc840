// axe-core over views, in light and dark, on a desk and on a telephone.

const fs = require("node:fs");

const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const SETTINGS = [
  { width: 1280, colorScheme: "light" },
  { width: 1280, colorScheme: "dark" },
  { width: 390, colorScheme: "light" },
];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];

/** Goes to every path; without any, to those of the telemetry that page.js has sent. */
exports.checkAccessibility = async function checkAccessibility(browser, url, given = null) {
  const found = [];
  for (const { width, colorScheme } of SETTINGS) {
    // Without animations: axe measures colours, not their way in.
    const options = { viewport: { width, height: 800 }, colorScheme, reducedMotion: "reduce" };
    const context = await browser.newContext(options);
    const page = await context.newPage();
    for (const path of given ?? (await paths(page, url))) {
      await page.goto(`${url}${path}`);
      await page.waitForFunction(() => document.querySelector("h1") && !document.querySelector('[aria-busy="true"]'));
      await page.waitForLoadState("load");
      await page.getByText(/^Loading/).waitFor({ state: "detached" });
      await page.evaluate(AXE);
      const violations = await page.evaluate(
        async (values) => (await window.axe.run(document, { runOnly: { type: "tag", values } })).violations,
        RULES,
      );
      for (const { id, nodes } of violations.filter(({ id }) => id !== "region")) {
        found.push(`${path} at ${width} px, ${colorScheme}: ${id}: ${nodes[0].html}\n  ${nodes[0].failureSummary}`);
      }
      const overflows = await page.evaluate(() =>
        [document.documentElement, document.body].some((element) => element.scrollWidth > innerWidth),
      );
      if (overflows) found.push(`${path} at ${width} px is wider than the window`);
    }
    await context.close();
  }
  if (found.length > 0) throw new Error(`not everybody can use this:\n${found.join("\n")}`);
  console.log("accessibility: axe-core finds nothing in any view, light and dark, at 1280 and 390 px");
};

async function paths(page, url) {
  await page.goto(`${url}/traces`);
  const trace = await page.getByTestId("trace-row").first().getAttribute("data-trace-id");
  return [
    "/live",
    "/traces",
    "/traces?plot=rate&attr=order%3D1",
    "/traces?q=nothing-holds-this",
    `/traces/${trace}?path=critical&q=card`,
    `/traces/${trace}?view=flame`,
    `/traces/${trace}?view=statistics`,
    `/traces/${trace}?view=logs`,
    `/traces/${trace}?view=compare`,
    "/logs",
    "/metrics",
    "/metrics?metric=shop.duration",
    "/services",
    "/services?view=map",
    "/services?service=checkout",
    "/errors",
    "/profiles",
    "/sql",
    "/sql?sql=select+name%2C+duration_ms+from+spans",
    "/sql?sql=select+name%2C+duration_ms+from+spans&show=chart",
    "/destinations",
    "/nowhere",
  ];
}
