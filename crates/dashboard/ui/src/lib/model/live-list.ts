/** Lists that are newest first, paged towards the past by cursor, and grow at the head while one looks at them. */

export interface ListKind<Item, Filter> {
  /** What makes two items the same; a later one replaces the earlier. */
  key(item: Item): string;
  /** Sorts newer items first, or by what the filter asks for. */
  compare(a: Item, b: Item, filter: Filter): number;
  matches(item: Item, filter: Filter): boolean;
  /** False when `matches` alone cannot tell, and the server must be asked. */
  decides?(filter: Filter): boolean;
}

export interface MergeOptions {
  /** More items exist behind the oldest one: news from before that belong to pages not loaded yet. */
  hasOlder: boolean;
  /** At most this many items stay; the oldest go first. */
  bound: number;
}

export interface Merged<Item> {
  items: Item[];
  /** True when the bound cut the list, so that it no longer ends where the cursor continues. */
  cut: boolean;
}

/** The list with news merged in: known items replaced, those that no longer match removed, order kept. */
export function mergeNews<Item, Filter>(
  items: readonly Item[],
  news: readonly Item[],
  filter: Filter,
  kind: ListKind<Item, Filter>,
  options: MergeOptions,
): Merged<Item> {
  const compare = (a: Item, b: Item) => kind.compare(a, b, filter);
  const latest = new Map(news.map((item) => [kind.key(item), item]));
  const oldest = items.at(-1);
  const staying = items.filter((item) => !latest.has(kind.key(item)));
  const known = new Set(items.map((item) => kind.key(item)));
  const entering = [...latest.values()]
    .filter((item) => kind.matches(item, filter))
    .filter((item) => !options.hasOlder || !oldest || known.has(kind.key(item)) || compare(item, oldest) < 0)
    .sort(compare);
  const merged = mergeSorted(staying, entering, compare);
  return { items: merged.slice(0, options.bound), cut: merged.length > options.bound };
}

/** A further page of older items; what is already there stays. */
export function appendPage<Item>(
  items: readonly Item[],
  page: readonly Item[],
  kind: Pick<ListKind<Item, never>, 'key'>,
): Item[] {
  const all = new Map(items.map((item) => [kind.key(item), item]));
  for (const item of page) if (!all.has(kind.key(item))) all.set(kind.key(item), item);
  return [...all.values()];
}

function mergeSorted<Item>(
  a: readonly Item[],
  b: readonly Item[],
  compare: (x: Item, y: Item) => number,
): Item[] {
  if (b.length === 0) return [...a];
  const merged: Item[] = [];
  let next = 0;
  for (const item of a) {
    for (let other = b[next]; other !== undefined && compare(other, item) <= 0; other = b[next]) {
      merged.push(other);
      next += 1;
    }
    merged.push(item);
  }
  return merged.concat(b.slice(next));
}
