import { createContext } from 'svelte';
import type { LogRecord, TraceSummary } from '../api/types';
import type { LlmCallRow, LlmSession } from '../api/types';
import { listLogs, listServices, listTraces } from '../api/client';
import { listCalls, listSessions } from '../api/llm';
import {
  ERROR_SEVERITY,
  liveKind,
  liveLog,
  liveTrace,
  type LiveFilter,
  type LiveItem,
} from '../model/live-feed';
import { callKind, callQuery, type CallFilter } from '../model/llm-calls';
import { sessionKind, sessionQuery, type SessionFilter } from '../model/llm-sessions';
import { logKind, logQuery, type LogFilter } from '../model/logs';
import { ServiceColours } from '../model/service-colours';
import { traceKind, traceQuery, type TraceFilter } from '../model/traces';
import { Clock } from './clock.svelte';
import { Layout } from './layout.svelte';
import { ListPlace } from './list-place.svelte';
import { LiveList } from './live-list.svelte';
import { LiveStream } from './live-stream.svelte';
import { Palette } from './palette.svelte';
import { Query } from './query.svelte';
import { Router } from './router.svelte';
import { Theme } from './theme.svelte';

const TRACES_PER_PAGE = 100;
const LOGS_PER_PAGE = 200;
const CALLS_PER_PAGE = 100;
const SESSIONS_PER_PAGE = 100;
const FEED_PER_SIGNAL = 200;

/** What the whole page shares. The lists live here so that the way back from a trace finds its list as it was. */
export class App {
  readonly router = new Router();
  readonly live = new LiveStream();
  readonly clock = new Clock();
  readonly theme = new Theme();
  readonly palette = new Palette(this.theme);
  readonly layout = new Layout();
  readonly colours = new ServiceColours();

  readonly traces = new LiveList<TraceSummary, TraceFilter>({
    ...traceKind,
    async page(filter, cursor, signal) {
      const page = await listTraces(
        { ...traceQuery(filter, Date.now()), cursor, limit: TRACES_PER_PAGE },
        signal,
      );
      return { items: page.traces, nextCursor: page.nextCursor };
    },
  });

  readonly logs = new LiveList<LogRecord, LogFilter>({
    ...logKind,
    async page(filter, cursor, signal) {
      const page = await listLogs({ ...logQuery(filter, Date.now()), cursor, limit: LOGS_PER_PAGE }, signal);
      return { items: page.logs, nextCursor: page.nextCursor };
    },
  });

  readonly calls = new LiveList<LlmCallRow, CallFilter>({
    ...callKind,
    async page(filter, cursor, signal) {
      const query = { ...callQuery(filter, Date.now()), sort: filter.sort, cursor, limit: CALLS_PER_PAGE };
      const page = await listCalls(query, signal);
      return { items: page.calls, nextCursor: page.nextCursor };
    },
  });

  readonly sessions = new LiveList<LlmSession, SessionFilter>({
    ...sessionKind,
    async page(filter, cursor, signal) {
      const query = { ...sessionQuery(filter, Date.now()), cursor, limit: SESSIONS_PER_PAGE };
      const page = await listSessions(query, signal);
      return { items: page.sessions, nextCursor: page.nextCursor };
    },
  });

  /** Traces and log records as they come. */
  readonly feed = new LiveList<LiveItem, LiveFilter>({
    ...liveKind,
    async page(filter, _cursor, signal) {
      const query = { service: filter.service, limit: FEED_PER_SIGNAL };
      const [traces, logs] = await Promise.all([
        listTraces({ ...query, errors: filter.errors }, signal),
        listLogs({ ...query, severityMin: filter.errors ? ERROR_SEVERITY : 0, q: filter.q }, signal),
      ]);
      const items = [...traces.traces.map(liveTrace), ...logs.logs.map(liveLog)];
      return { items: items.filter((item) => liveKind.matches(item, filter)), nextCursor: null };
    },
  });

  /** The reader was shown how to send a first trace, and has not been told of it yet. */
  awaited = $state(false);

  /** Where the reader is in each list. */
  readonly places = {
    live: new ListPlace(),
    traces: new ListPlace(),
    logs: new ListPlace(),
    calls: new ListPlace(),
    sessions: new ListPlace(),
  };

  readonly services = new Query(async (signal) => (await listServices(signal)).services.toSorted());

  /** Starts everything that runs by itself and returns the function that stops it. */
  start(): () => void {
    void this.#loadServices();
    const stops = [
      this.router.start(),
      this.clock.start(),
      this.layout.start(),
      this.palette.start(),
      this.live.subscribe({
        traces: (traces) => {
          this.traces.receive(traces);
          this.feed.receive(traces.map(liveTrace));
          this.#noticeServices(traces);
        },
        logs: (logs) => {
          this.logs.receive(logs);
          this.feed.receive(logs.map(liveLog));
        },
        llmCalls: (calls) => {
          this.calls.receive(calls);
          this.sessions.expect();
        },
        reset: () => {
          this.traces.reset();
          this.logs.reset();
          this.calls.reset();
          this.sessions.reset();
          this.feed.reset();
        },
      }),
      this.live.start(),
    ];
    return () => stops.forEach((stop) => stop());
  }

  /** Colours are given out in the order of names first, so that they agree between visits. */
  async #loadServices(): Promise<void> {
    await this.services.load();
    this.services.data?.forEach((service) => this.colours.of(service));
  }

  #noticeServices(traces: readonly TraceSummary[]): void {
    const known = this.services.data ?? [];
    const fresh = traces.flatMap((trace) => trace.services).filter((service) => !known.includes(service));
    if (fresh.length > 0) this.services.data = [...new Set([...known, ...fresh])].toSorted();
  }
}

export const [getApp, setApp] = createContext<App>();
