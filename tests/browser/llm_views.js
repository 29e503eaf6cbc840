// What the pages of LLM calls must show of llm_data.js. Costs are those of the price list, counted by hand: gpt-4o-mini takes
// $0.15 for a million tokens, $0.075 for cached ones and $0.60 for those that it makes; claude-sonnet-4-5 $3, $0.30 and $15;
// gpt-4o $2.50 and $10.

const { attribute, count, equal, texts } = require("./expect");
const { longConversation, oneMore, spanId, traceId } = require("./llm_data");

const call = (trace) => `/llm/${traceId(trace)}/${spanId(trace, "01")}`;

/** Every page by itself: opened by its URL, since everything that is shown stands in there. */
exports.VIEWS = [
  {
    name: "LLM calls",
    seen: "model, tokens, cost, first token and previews of each; totals; filters, facets, orders; j and Enter open one",
    async visit(page, url) {
      await page.goto(`${url}/llm`);
      await count(rows(page), 15);
      const first = row(page, "10");
      for (const text of ["gpt-4o-mini-2024-07-18", "assistant", "openai", "1,200 → 80", "1,000 cached", "$0.000153", "1.9s", "first token 420ms"]) {
        await first.getByText(text).waitFor();
      }
      await first.getByText("What is the weather in Oslo and in Bergen?").waitFor();
      await row(page, "71").getByText("rate_limit_exceeded").waitFor();
      await row(page, "70").getByText("unknown").waitFor();
      await row(page, "20").getByText("$0.00795").waitFor();
      await page.getByTestId("total-calls").getByText("15", { exact: true }).waitFor();
      await texts(page.getByTestId("total-cost"), ["$0.79 + 3 unpriced"]);
      await filter(page, url, "model=claude-sonnet-4-5", 1);
      await filter(page, url, "provider=openrouter", 1);
      await filter(page, url, "service=research", 4);
      await filter(page, url, "agent=researcher", 4);
      await filter(page, url, "session=chat-42", 3);
      await filter(page, url, "user=bob", 1);
      await filter(page, url, "tag=weather", 3);
      await filter(page, url, "errors=true", 1);
      await filter(page, url, "minCost=0.01", 2);
      await filter(page, url, "minDurationMs=4000", 2);
      await filter(page, url, "q=oldest+letter", 4);
      await page.goto(`${url}/llm?sort=cost`);
      await rows(page).first().getByText("vendor/big-model").waitFor();
      await page.goto(`${url}/llm?q=nothing-holds-this`);
      await page.getByText("No call matches").waitFor();
      await page.goto(`${url}/llm`);
      await page.getByTestId("call-facets").getByRole("button", { name: /claude-sonnet-4-5/ }).click();
      await page.waitForURL(/model=claude-sonnet-4-5/);
      await count(rows(page), 1);
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.waitForURL(`**${call("20")}`);
    },
  },
  {
    name: "one call",
    seen: "markdown as elements, tools with their results, usage, cost and its source, parameters, next by key",
    async visit(page, url) {
      await page.goto(url + call("11"));
      const chat = page.getByTestId("conversation");
      await chat.getByRole("cell", { name: "Bergen" }).waitFor();
      await count(chat.getByTestId("tool-use"), 2);
      const oslo = chat.getByTestId("tool-use").filter({ hasText: "Oslo" });
      await oslo.getByText('{"sky":"clear","temperature":4}').waitFor();
      const link = chat.getByRole("link", { name: /the forecast/ });
      await attribute(link, "rel", "noopener noreferrer nofollow");
      await link.getByText("www.yr.no").waitFor();
      await chat.getByRole("button", { name: /^Copy python/ }).waitFor();
      await page.getByTestId("reasoning").getByText("Reasoning, 49 characters").waitFor();
      await page.getByTestId("system-instructions").getByText("System instructions").click();
      await page.getByText("weather", { exact: true }).first().waitFor();
      await page.getByTestId("tool-definitions").getByText("get_weather").first().waitFor();
      const aside = page.getByRole("complementary", { name: "Facts" });
      for (const [name, value] of [
        ["In", "1,400"],
        ["of it from a cache", "1,200"],
        ["Out", "240"],
        ["Input", "$0.00003"],
        ["Cache read", "$0.00009"],
        ["Output", "$0.000144"],
        ["Total", "$0.000264"],
        ["Saved by the cache", "$0.00009"],
        ["temperature", "0.2"],
        ["maxTokens", "400"],
        ["To the first token", "610ms"],
        ["Finished because", "stop"],
      ]) {
        await aside.locator("dl > div").filter({ has: page.getByText(name, { exact: true }) }).getByText(value, { exact: true }).waitFor();
      }
      await aside.getByTestId("cost-source").getByText(/^By the price list of .*\d{4}-\d\d-\d\d\.$/).waitFor();
      await page.getByText("2/3").waitFor();
      await page.keyboard.press("n");
      await page.waitForURL(`**${call("12")}`);
      await page.getByText("3/3").waitFor();
      await page.keyboard.press("N");
      await page.waitForURL(`**${call("11")}`);
      await page.goto(`${url + call("11")}?q=thanks`);
      await page.getByText("0 of").waitFor();
      await page.goto(url + call("70"));
      await page.getByTestId("cost-source").first().getByText("Unknown: the price list has no house-model-7b of house.").waitFor();
      await page.goto(url + call("72"));
      await page.getByTestId("cost-source").first().getByText(/^As reported/).waitFor();
      await page.getByTestId("call-cost").getByText("$0.75").waitFor();
    },
  },
  {
    name: "dialects",
    seen: "OpenInference and Vercel's as everybody else's; a picture as its address",
    async visit(page, url) {
      await page.goto(url + call("20"));
      await page.getByText("The glass has a crack on its left side.").waitFor();
      await page.getByTestId("medium").getByText("https://tracker.invalid/lamp.png").waitFor();
      await page.getByTestId("call-tokens").getByText("2,000 → 400").waitFor();
      equal(await page.locator("img").count(), 0);
      await page.goto(url + call("30"));
      await page.getByText("What the models said").waitFor();
      await page.getByTestId("call-cost").getByText("$0.00018").waitFor();
    },
  },
  {
    name: "raw and replay",
    seen: "the exchange without its secret; a command that reaches the proxy with the key in a variable",
    async visit(page, url) {
      await page.goto(`${url + call("10")}?view=raw`);
      const raw = page.getByTestId("call-raw");
      for (const text of ["POST https://api.openai.com/v1/chat/completions", '"stream": true', "data: [DONE]"]) {
        await raw.getByText(text).first().waitFor();
      }
      await page.keyboard.press("c");
      const command = page.getByTestId("call-replay").locator("code").last();
      await command.getByText("/v1/chat/completions'").waitFor();
      const text = await command.innerText();
      if (!text.includes('-H "authorization: Bearer $OPENAI_API_KEY"') || text.includes("redacted")) {
        throw new Error(`the command is not right: ${text}`);
      }
      await page.goto(`${url + call("11")}?view=replay`);
      await page.getByText("The request itself was not recorded").waitFor();
      await page.getByTestId("call-replay").getByText('"tool_call_id": "call_oslo"').waitFor();
    },
  },
  {
    name: "hostile content",
    seen: "scripts, pictures and links of models as text; long and broken ones too",
    async visit(page, url) {
      await page.goto(url + call("80"));
      const chat = page.getByTestId("conversation");
      await chat.getByText("<script>window.hacked = true</script>").first().waitFor();
      await chat.getByText("[click me](javascript:window.hacked=true)").first().waitFor();
      await chat.getByText("The arguments are no JSON").waitFor();
      await chat.getByRole("link", { name: /bank\.example.*evil\.invalid/ }).first().waitFor();
      equal(await page.evaluate(() => window.hacked), undefined);
      equal(await page.locator("img, iframe, [onclick], [onerror], a[href^='javascript:']").count(), 0);
      await page.goto(url + call("81"));
      await page.getByRole("button", { name: "Show all 620,024 characters" }).click();
      await page.getByText("The end.").waitFor();
      await page.goto(url + call("82"));
      equal(
        await page.getByText("ما هي عاصمة النرويج؟").last().evaluate((element) => getComputedStyle(element).direction),
        "rtl",
      );
    },
  },
  {
    name: "five thousand messages",
    seen: "the end at once, the rest when asked for, and what is looked for among all",
    async visit(page, url, send) {
      await send(longConversation(Date.now(), 5_000));
      await page.goto(`${url}/llm?service=endless`);
      await count(rows(page), 1);
      await rows(page).first().click();
      await page.getByText("The end of a long conversation.").waitFor();
      await count(page.getByTestId("message"), 30);
      await page.getByText("4,971 earlier messages").waitFor();
      await page.getByRole("button", { name: "Show 100 earlier" }).click();
      await count(page.getByTestId("message"), 130);
      await page.keyboard.press("/");
      await page.keyboard.type("message number 17");
      await page.getByText("111 of 5,001 messages").waitFor();
      await count(page.getByTestId("message"), 111);
    },
  },
  {
    name: "sessions",
    seen: "one row for each, with its totals; turn by turn only what was new, tools with their results",
    async visit(page, url) {
      await page.goto(`${url}/sessions`);
      await count(page.getByTestId("session-row"), 3);
      const chat = page.locator('[data-session-id="chat-42"]');
      for (const text of ["3 calls", "4,300 → 350", "$0.00057"]) await chat.getByText(text).waitFor();
      await page.goto(`${url}/sessions?q=lamp`);
      await count(page.getByTestId("session-row"), 1);
      await page.goto(`${url}/sessions/chat-42`);
      const turns = page.getByTestId("turn");
      await count(turns, 3);
      await count(turns.nth(0).getByTestId("message"), 2);
      await turns.nth(0).getByText("Result").first().waitFor();
      await count(turns.nth(1).getByTestId("message"), 1);
      await turns.nth(2).getByText("Thanks! And what should I wear?").waitFor();
      await count(turns.nth(2).getByTestId("message"), 2);
      const totals = page.getByTestId("session-totals");
      for (const text of ["4,300 → 350", "$0.00057", "ann"]) await totals.getByText(text).waitFor();
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.waitForURL(`**${call("11")}`);
      await page.goto(`${url}/sessions/${encodeURIComponent("s/1?<script>#é")}`);
      await count(page.getByTestId("turn"), 1);
    },
  },
  {
    name: "cost",
    seen: "over time and by group, unpriced calls told, savings, the dearest question; groups lead to their calls",
    async visit(page, url) {
      await page.goto(`${url}/cost?range=1h`);
      await page.getByTestId("cost-chart").waitFor();
      await page.getByTestId("cost-told").getByText(/3 of 16 calls could not be priced/).waitFor();
      await attribute(page.getByTestId("cost-row").first(), "data-group", "vendor/big-model");
      const cells = (group) => page.locator(`[data-testid="cost-row"][data-group="${group}"]`).getByRole("cell");
      await texts(cells("gpt-4o"), ["$0.0131", "2 %", "4", "0"], [0, 4]);
      await texts(cells("house-model-7b").first(), ["unknown"]);
      await page.getByTestId("top-prompts").getByText("Write a long report about the cost of models.").waitFor();
      await page.getByTestId("cost-by-user").click();
      await page.waitForURL(/by=user/);
      await page.locator('[data-group="ann"]').getByText("$0.00057").waitFor();
      await page.locator('[data-group="ann"]').getByRole("link").click();
      await page.waitForURL(/\/llm\?.*user=ann/);
      await count(rows(page), 3);
      for (const by of ["provider", "service", "session", "tag", "agent"]) {
        await page.goto(`${url}/cost?range=1h&by=${by}&measure=tokens`);
        await page.getByTestId("cost-chart").waitFor();
      }
      await page.locator('[data-group="researcher"]').getByText("$0.0131").waitFor();
      const arriving = page.waitForEvent("download");
      await page.getByRole("button", { name: "CSV", exact: true }).click();
      equal((await arriving).suggestedFilename(), "cost-by-agent.csv");
    },
  },
  {
    name: "agents",
    seen: "runs and calls of each; the graph with its loop and its failure, which lead to the trace",
    async visit(page, url) {
      await page.goto(`${url}/agents`);
      const agent = page.locator('[data-testid="agent-row"][data-agent="researcher"]');
      await texts(agent.getByRole("cell"), ["1", "0", "4", "4", "$0.0131"], [1, 6]);
      await agent.getByRole("link", { name: "researcher" }).click();
      await page.getByTestId("agent-graph").waitFor();
      await count(page.getByTestId("graph-node"), 3);
      await page.locator('[data-testid="graph-node"][data-kind="tool"]').getByText("1 failed").waitFor();
      await page.getByTestId("graph-loop").getByText(/4× .*search/).waitFor();
      await page.getByTestId("graph-failure").getByText("the search did not answer within 1.5 s").waitFor();
      await page.getByTestId("graph-failure").click();
      await page.waitForURL(/\/traces\/0+40\?span=0+40c3/);
      await page.getByTestId("span-detail").getByText("execute_tool search").first().waitFor();
      await page.goto(`${url}/agents?trace=${traceId("40")}`);
      await count(page.getByTestId("graph-node"), 3);
    },
  },
  {
    name: "a span of a trace",
    seen: "the same chat in its detail, and the way to the call",
    async visit(page, url) {
      await page.goto(`${url}/traces/${traceId("12")}?span=${spanId("12", "01")}`);
      const detail = page.getByTestId("span-detail");
      await detail.getByText("Thanks! And what should I wear?").waitFor();
      await detail.getByTestId("span-call").getByText("1,700 → 30 tokens · $0.000153").waitFor();
      await detail.getByTestId("open-call").click();
      await page.waitForURL(`**${call("12")}`);
      await page.getByTestId("call-tokens").waitFor();
      await page.keyboard.press("t");
      await page.waitForURL(/\/traces\/0+12\?span=/);
      await page.goto(`${url}/traces/${traceId("40")}?span=${spanId("40", "c0")}`);
      await detail.getByText('{"query":"oldest letter"}').waitFor();
      await detail.getByRole("link", { name: "Steps" }).click();
      await page.getByTestId("agent-graph").waitFor();
    },
  },
  {
    name: "live",
    seen: "a call that comes while one looks, and none while the list is paused",
    async visit(page, url, send) {
      await page.goto(`${url}/llm?service=assistant`);
      await count(rows(page), 3);
      await page.keyboard.press("p");
      await page.getByTestId("live-toggle").getByText("Paused").waitFor();
      await send(oneMore(Date.now()));
      await page.getByTestId("live-toggle").getByText("1 new").waitFor();
      await count(rows(page), 3);
      await page.keyboard.press("p");
      await rows(page).first().getByText("It did, without a reload.").waitFor();
      await count(rows(page), 4);
    },
  },
  {
    name: "SQL",
    seen: "the cost of each model by an example",
    async visit(page, url) {
      await page.goto(`${url}/sql`);
      await page.getByRole("button", { name: "Cost by model" }).click();
      const row = page.getByTestId("sql-result").getByRole("listitem").filter({ hasText: "gpt-4o" }).filter({ hasText: "0.0131" });
      await row.getByText("4600").waitFor();
    },
  },
  {
    name: "navigation",
    seen: "7, 8 and 9 lead to calls, sessions and cost; Ctrl-K to agents; ? tells the keys",
    async visit(page, url) {
      await page.goto(`${url}/llm`);
      await page.keyboard.press("8");
      await page.waitForURL(/\/sessions$/);
      await page.keyboard.press("9");
      await page.waitForURL(/\/cost$/);
      await page.keyboard.press("7");
      await page.waitForURL(/\/llm$/);
      await page.keyboard.press("Control+k");
      await page.getByTestId("command-palette").getByRole("combobox").fill("agents");
      await page.getByRole("option", { name: "Agents" }).first().waitFor();
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/agents$/);
      await page.keyboard.press("?");
      await page.getByText("Raw, replay as curl, and back").waitFor();
    },
  },
];

/** What axe-core looks at. */
exports.PATHS = [
  "/llm",
  "/llm?model=gpt-4o&errors=true",
  "/llm?sort=cost&session=chat-42",
  call("10"),
  call("11"),
  `${call("11")}?text=written&q=weather`,
  call("80"),
  call("70"),
  `${call("10")}?view=facts`,
  `${call("10")}?view=raw`,
  `${call("11")}?view=raw`,
  `${call("10")}?view=replay`,
  "/sessions",
  "/sessions/chat-42",
  "/cost?range=1h",
  "/cost?range=1h&by=tag&measure=tokens",
  "/cost?range=1h&service=nobody",
  "/agents",
  "/agents?agent=researcher",
  "/agents?agent=nobody",
  `/traces/${traceId("12")}?span=${spanId("12", "01")}`,
];

const rows = (page) => page.getByTestId("call-row");

/** The row of a trace with one call. */
function row(page, trace) {
  return page.locator(`a[href="${call(trace)}"]`);
}

async function filter(page, url, query, expected) {
  await page.goto(`${url}/llm?${query}`);
  await count(rows(page), expected);
}
