import { untrack } from 'svelte';
import { ApiError, isAbort } from '../api/client';

/** One answer of the API with its states. A reload keeps showing the old answer until the new one is there. */
export class Query<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  readonly #fetch: (signal: AbortSignal) => Promise<T>;
  #running: AbortController | null = null;

  constructor(fetch: (signal: AbortSignal) => Promise<T>) {
    this.#fetch = fetch;
  }

  /** Fetches; a request that is still under way is given up. Never rejects: failure is in `error`. */
  async load(): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.loading = true;
    try {
      const data = await this.#fetch(running.signal);
      if (running.signal.aborted) return;
      this.data = data;
      this.error = null;
    } catch (error) {
      if (isAbort(error) || running.signal.aborted) return;
      this.error = asApiError(error);
    } finally {
      if (this.#running === running) this.loading = false;
    }
  }

  /**
   * Of a component: fetches whenever `of` answers something else than before and, where told to, again and again. While it
   * answers null nothing is asked for.
   */
  follow(of: () => unknown, everyMs?: number): void {
    const asked = $derived(JSON.stringify(of()));
    $effect(() => (asked === 'null' ? undefined : untrack(() => this.start(everyMs))));
  }

  /** Fetches now and, where told to, again and again while somebody looks. Returns the function that ends it. */
  start(everyMs?: number): () => void {
    void this.load();
    const again = () => !document.hidden && !this.loading && void this.load();
    const timer = everyMs === undefined ? undefined : setInterval(again, everyMs);
    return () => {
      clearInterval(timer);
      this.cancel();
    };
  }

  cancel(): void {
    this.#running?.abort();
  }
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(String(error), 'Reload the page.', 0);
}
