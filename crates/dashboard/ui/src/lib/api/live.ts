/**
 * The stream of news from the hub (`/api/live`, server-sent events).
 *
 * The browser reconnects by itself after a lost connection, but not after a refusal (a restarting hub answers 502 or
 * nothing through some proxies); this module does. Whatever was missed in between is announced as a reset.
 */

import type { LlmCallRow } from './types';
import type { LogRecord, TraceSummary } from './types';

export type Connection = 'connecting' | 'open' | 'lost';

export interface LiveHandlers {
  traces(traces: TraceSummary[]): void;
  logs(logs: LogRecord[]): void;
  llmCalls(calls: LlmCallRow[]): void;
  /** Something was missed: fetch again. */
  reset(): void;
  connection(state: Connection): void;
}

const RETRY_MS = 2_000;

/** Opens the stream and returns the function that closes it. */
export function openLive(handlers: LiveHandlers, url = '/api/live'): () => void {
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let missed = false;

  const connect = () => {
    source = new EventSource(url);
    source.onopen = () => {
      handlers.connection('open');
      if (missed) handlers.reset();
      missed = false;
    };
    source.onerror = () => {
      missed = true;
      handlers.connection('lost');
      if (source?.readyState === EventSource.CLOSED) retry = setTimeout(connect, RETRY_MS);
    };
    source.addEventListener('traces', (event) => {
      const traces = field<TraceSummary>(event, 'traces');
      if (traces) handlers.traces(traces);
    });
    source.addEventListener('logs', (event) => {
      const logs = field<LogRecord>(event, 'logs');
      if (logs) handlers.logs(logs);
    });
    source.addEventListener('llmCalls', (event) => {
      const calls = field<LlmCallRow>(event, 'llmCalls');
      if (calls) handlers.llmCalls(calls);
    });
    source.addEventListener('reset', () => handlers.reset());
  };

  handlers.connection('connecting');
  connect();
  return () => {
    clearTimeout(retry);
    source?.close();
  };
}

/** The list in an event's data; null when the data is not what was agreed on. */
function field<T>(event: MessageEvent<string>, name: string): T[] | null {
  try {
    const list = (JSON.parse(event.data) as Record<string, unknown>)[name];
    return Array.isArray(list) ? (list as T[]) : null;
  } catch {
    return null;
  }
}
