import { ApiError, isAbort } from '../api/client';
import { appendPage, mergeNews, type ListKind } from '../model/live-list';
import { asApiError } from './query.svelte';

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

export interface LiveListSource<Item, Filter> extends ListKind<Item, Filter> {
  page(filter: Filter, cursor: string | null, signal: AbortSignal): Promise<Page<Item>>;
}

/** Items kept in the page. Past it the oldest go, and going further back means loading anew. */
const KEPT = 20_000;
/** News held back while paused. Past it they are fetched again on resuming. */
const HELD = 2_000;
/** How often the server is asked again under a filter that only it can decide. */
const ASK_MS = 2_000;
/** News are shown together this often, so that a busy source does not redraw the page per item. */
const FLUSH_MS = 200;

/** A list that is newest first, grows live at its head until paused, and is paged towards the past. */
export class LiveList<Item, Filter> {
  items = $state.raw<Item[]>([]);
  /** The first page under the present filter. */
  phase = $state<'idle' | 'loading' | 'ready' | 'failed'>('idle');
  error = $state.raw<ApiError | null>(null);
  loadingOlder = $state(false);
  hasOlder = $state(false);
  /** The list reached its bound; older items are there, but not from here. */
  full = $state(false);
  paused = $state(false);
  /** How many matching news the pause holds back. */
  held = $state(0);
  /** When each item came in live, as `performance.now()` tells time; items of a page have none. */
  readonly arrivedAt = new Map<string, number>();

  readonly #source: LiveListSource<Item, Filter>;
  #filter: Filter | null = null;
  #cursor: string | null = null;
  #news: Item[] = [];
  #heldKeys = new Set<string>();
  #missed = false;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #asking: ReturnType<typeof setTimeout> | undefined;
  #running: AbortController | null = null;

  constructor(source: LiveListSource<Item, Filter>) {
    this.#source = source;
  }

  /** Shows the newest items under a filter. The same filter again keeps what is there, pages and all. */
  async open(filter: Filter): Promise<void> {
    const same = JSON.stringify(filter) === JSON.stringify(this.#filter);
    if (same && this.phase !== 'failed') return;
    this.#filter = filter;
    await this.reload();
  }

  /** Fetches the newest page again. What is shown stays until the answer is there; news wait for it. */
  async reload(): Promise<void> {
    const filter = this.#filter;
    if (filter === null) return;
    this.phase = 'loading';
    const page = await this.#fetch(filter, null);
    if (page === null) return;
    if (page instanceof ApiError) {
      this.error = page;
      this.phase = 'failed';
      return;
    }
    const order = (a: Item, b: Item) => this.#source.compare(a, b, filter);
    this.items = appendPage([], page.items, this.#source).sort(order);
    this.full = false;
    this.#continueAt(page.nextCursor);
    this.error = null;
    this.phase = 'ready';
    if (!this.paused) this.#flush();
  }

  async loadOlder(): Promise<void> {
    if (!this.hasOlder || this.loadingOlder || this.phase !== 'ready' || this.#filter === null) return;
    this.loadingOlder = true;
    const page = await this.#fetch(this.#filter, this.#cursor);
    this.loadingOlder = false;
    if (page === null) return;
    this.error = page instanceof ApiError ? page : null;
    if (page instanceof ApiError) return;
    this.items = appendPage(this.items, page.items, this.#source);
    this.#continueAt(page.nextCursor);
    if (this.items.length >= KEPT) this.#endHere();
  }

  /** Takes news from the stream. */
  receive(news: readonly Item[]): void {
    const filter = this.#filter;
    if (filter === null) return;
    if (this.#source.decides && !this.#source.decides(filter)) {
      if (!news.some((item) => this.#source.matches(item, filter))) return;
      this.expect();
    } else if (this.paused) this.#hold(news);
    else {
      this.#news.push(...news);
      this.#flushTimer ??= setTimeout(() => this.#flush(), FLUSH_MS);
    }
  }

  /** There is news of which only the server can tell what it means for this list: it is asked soon. */
  expect(): void {
    const filter = this.#filter;
    if (filter === null) return;
    if (this.paused) this.#missed = true;
    else if (this.#asking === undefined) this.#asking = setTimeout(() => void this.#ask(filter), ASK_MS);
  }

  /** News may match, which only the server can tell: its newest page is merged with what is there. */
  async #ask(filter: Filter): Promise<void> {
    this.#asking = undefined;
    if (this.paused) this.#missed = true;
    if (this.paused || this.phase !== 'ready' || filter !== this.#filter) return;
    const page = await this.#fetch(filter, null);
    if (page === null || page instanceof ApiError) return;
    const known = new Set(this.items.map((item) => this.#source.key(item)));
    const meets = page.nextCursor === null || page.items.some((item) => known.has(this.#source.key(item)));
    if (!meets) return this.reload();
    this.#news.push(...page.items);
    this.#flush();
  }

  /** The stream missed something. A paused list stays as it is and fetches on resuming. */
  reset(): void {
    if (this.paused) this.#missed = true;
    else void this.reload();
  }

  toggle(): void {
    this.paused = !this.paused;
    if (this.paused) return;
    const missed = this.#missed;
    this.held = 0;
    this.#heldKeys.clear();
    this.#missed = false;
    if (missed) void this.reload();
    else this.#flush();
  }

  #hold(news: readonly Item[]): void {
    const filter = this.#filter as Filter;
    for (const item of news)
      if (this.#source.matches(item, filter)) this.#heldKeys.add(this.#source.key(item));
    this.held = this.#heldKeys.size;
    if (this.#missed) return;
    this.#news.push(...news);
    if (this.#news.length <= HELD) return;
    this.#news = [];
    this.#missed = true;
  }

  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    // While a page is under way the items may belong to another filter; the page's arrival flushes.
    if (this.#news.length === 0 || this.phase !== 'ready' || this.paused) return;
    const now = performance.now();
    const known = new Set(this.items.map((item) => this.#source.key(item)));
    for (const item of this.#news) {
      const key = this.#source.key(item);
      if (!known.has(key)) this.arrivedAt.set(key, now);
    }
    const options = { hasOlder: this.hasOlder || this.full, bound: KEPT };
    const merged = mergeNews(this.items, this.#news, this.#filter as Filter, this.#source, options);
    this.items = merged.items;
    this.#news = [];
    if (merged.cut) this.#endHere();
    if (this.arrivedAt.size > KEPT) this.arrivedAt.clear();
  }

  /** A page, the error, or null when a later request took this one's place. */
  async #fetch(filter: Filter, cursor: string | null): Promise<Page<Item> | ApiError | null> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    try {
      const page = await this.#source.page(filter, cursor, running.signal);
      return running.signal.aborted ? null : page;
    } catch (error) {
      return isAbort(error) || running.signal.aborted ? null : asApiError(error);
    }
  }

  #continueAt(cursor: string | null): void {
    this.#cursor = cursor;
    this.hasOlder = cursor !== null;
  }

  #endHere(): void {
    this.full = true;
    this.hasOlder = false;
  }
}
