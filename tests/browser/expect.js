// What the scripts of this folder expect of a page.

/** Waits until there are so many, and fails when there never are. */
exports.count = async function count(locator, expected) {
  await locator.first().waitFor();
  const end = Date.now() + 15_000;
  for (;;) {
    const seen = await locator.count();
    if (seen === expected) return;
    if (Date.now() > end) throw new Error(`${locator} is there ${seen} times instead of ${expected}`);
    await locator.page().waitForTimeout(100);
  }
};

/** Fails unless both are the same as JSON. */
exports.equal = function equal(seen, expected) {
  const [left, right] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${left} is shown instead of ${right}`);
};
