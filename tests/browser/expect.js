// What the scripts of this folder expect of a page.

const { setTimeout: sleep } = require("node:timers/promises");

const PATIENCE_MS = 15_000;

/** Waits until there are so many, and fails when there never are. */
exports.count = async function count(locator, expected) {
  await locator.first().waitFor();
  await becomes(() => locator.count(), expected, `the number of ${locator}`);
};

/** Waits until each of them says this, in this order; `range` picks some of them. */
exports.texts = async function texts(locator, expected, range = []) {
  await becomes(async () => (await locator.allInnerTexts()).slice(...range).map(plain), expected, locator);
};

/** Waits until it has an attribute of this value. */
exports.attribute = async function attribute(locator, name, expected) {
  await becomes(() => locator.getAttribute(name), expected, `${name} of ${locator}`);
};

/** Fails unless both are the same as JSON: for what can't change any more. */
exports.equal = function equal(seen, expected) {
  if (!isSame(seen, expected)) throw new Error(`${JSON.stringify(seen)} is there instead of ${JSON.stringify(expected)}`);
};

/** A page shows what it has asked for a moment after it is there, so reading it once would tell little. */
async function becomes(read, expected, what) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const seen = await read();
    if (isSame(seen, expected)) return;
    if (Date.now() > end) throw new Error(`${what}: ${JSON.stringify(seen)} is shown instead of ${JSON.stringify(expected)}`);
    await sleep(100);
  }
}

function isSame(seen, expected) {
  return JSON.stringify(seen) === JSON.stringify(expected);
}

function plain(text) {
  return text.replace(/\s+/g, " ").trim();
}
