import { openLive, type Connection, type LiveHandlers } from '../api/live';

export type LiveListener = Partial<Omit<LiveHandlers, 'connection'>>;

/** A page nobody looks at for this long gives its connection back: browsers allow few per host. */
const HIDDEN_MS = 60_000;

/** The page's one live connection, shared by whatever wants news. */
export class LiveStream {
  connection = $state<Connection>('connecting');
  readonly #listeners = new Set<LiveListener>();
  #close: (() => void) | null = null;

  /** Opens the stream, closes it while the page is long hidden, and returns the function that ends both. */
  start(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const visibility = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => this.#stop(), HIDDEN_MS);
      else if (!this.#close) this.#reopen();
    };
    document.addEventListener('visibilitychange', visibility);
    this.#open();
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', visibility);
      this.#stop();
    };
  }

  subscribe(listener: LiveListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #open(): void {
    this.#close = openLive({
      traces: (traces) => this.#listeners.forEach((listener) => listener.traces?.(traces)),
      logs: (logs) => this.#listeners.forEach((listener) => listener.logs?.(logs)),
      llmCalls: (calls) => this.#listeners.forEach((listener) => listener.llmCalls?.(calls)),
      reset: () => this.#listeners.forEach((listener) => listener.reset?.()),
      connection: (state) => (this.connection = state),
    });
  }

  #stop(): void {
    this.#close?.();
    this.#close = null;
  }

  #reopen(): void {
    this.#open();
    this.#listeners.forEach((listener) => listener.reset?.());
  }
}
