/** The list of calls of models: its filter as it stands in the URL, and the same rule as the server's for what comes live. */

import { CALL_SORTS, type CallQuery, type CallSort } from '../api/llm';
import type { LlmCallRow } from '../api/types';
import type { ListKind } from './live-list';
import { ANY_TIME, isInRange, readRange, resolveRange, type TimeRange } from './range';
import { parseNanos } from './time';

/** What a call can be filtered by with a value that it has, in the order of the page. */
export const CALL_FACETS = [
  { key: 'model', title: 'Model' },
  { key: 'provider', title: 'Provider' },
  { key: 'service', title: 'Service' },
  { key: 'agent', title: 'Agent' },
  { key: 'user', title: 'User' },
  { key: 'session', title: 'Session' },
  { key: 'tag', title: 'Tag' },
] as const;
export type CallFacet = (typeof CALL_FACETS)[number]['key'];

export type CallFilter = Record<CallFacet, string> & {
  /** Words anywhere in the call. */
  q: string;
  errors: boolean;
  minDurationMs: number | null;
  /** US dollars. */
  minCost: number | null;
  sort: CallSort;
  range: TimeRange;
};

const NO_FACET: Record<CallFacet, string> = {
  model: '',
  provider: '',
  service: '',
  agent: '',
  user: '',
  session: '',
  tag: '',
};

export const NO_CALL_FILTER: CallFilter = {
  ...NO_FACET,
  q: '',
  errors: false,
  minDurationMs: null,
  minCost: null,
  sort: 'newest',
  range: ANY_TIME,
};

export function readCallFilter(query: URLSearchParams, preset: string | null = null): CallFilter {
  const facets = CALL_FACETS.map(({ key }) => [key, query.get(key) ?? '']);
  return {
    ...(Object.fromEntries(facets) as Record<CallFacet, string>),
    q: query.get('q') ?? '',
    errors: query.get('errors') === 'true',
    minDurationMs: readAmount(query.get('minDurationMs')),
    minCost: readAmount(query.get('minCost')),
    sort: CALL_SORTS.find((sort) => sort === query.get('sort')) ?? 'newest',
    range: readRange(query, preset),
  };
}

function readAmount(text: string | null): number | null {
  const amount = Number(text ?? '');
  return Number.isFinite(amount) && amount > 0 ? amount : null;
}

/** Whether anything leaves calls out; the order alone does not. */
export function isCallFilterSet(filter: CallFilter): boolean {
  return JSON.stringify({ ...filter, sort: 'newest' }) !== JSON.stringify(NO_CALL_FILTER);
}

/** Which calls to ask the server for, in whatever order. */
export function callQuery(filter: CallFilter, nowMs: number): CallQuery {
  const { range, sort, ...asked } = filter;
  void sort;
  return { ...asked, ...resolveRange(range, nowMs) };
}

/** The model that answered, else the one that was asked for. */
export function callModel(call: Pick<LlmCallRow, 'requestModel' | 'responseModel'>): string | null {
  return call.responseModel ?? call.requestModel;
}

export function callKey(call: Pick<LlmCallRow, 'traceId' | 'spanId'>): string {
  return `${call.traceId}/${call.spanId}`;
}

/** What a sort goes by; the largest comes first, and what is not known last. */
const MEASURES: Record<Exclude<CallSort, 'newest'>, (call: LlmCallRow) => number> = {
  cost: (call) => call.cost ?? -1,
  duration: (call) => Number(call.durationNano),
  tokens: (call) => allTokens(call) ?? -1,
};

export function allTokens(call: Pick<LlmCallRow, 'inputTokens' | 'outputTokens'>): number | null {
  if (call.inputTokens === null && call.outputTokens === null) return null;
  return (call.inputTokens ?? 0) + (call.outputTokens ?? 0);
}

/** Only these are calls of a model; agents, chains and tools are what such calls are made within. The server lists the same. */
export const MODEL_KINDS: readonly string[] = ['llm', 'embedding', 'image', 'audio'];

export const callKind: ListKind<LlmCallRow, CallFilter> = {
  key: callKey,
  // Calls of one rank stay in the server's order, which its cursors follow.
  compare(a, b, { sort }) {
    if (sort !== 'newest') {
      const difference = MEASURES[sort](b) - MEASURES[sort](a);
      if (difference !== 0) return difference;
    }
    const later = parseNanos(b.startNano) - parseNanos(a.startNano);
    return later === 0n ? 0 : later > 0n ? 1 : -1;
  },
  // What was said is left to the server (see `decides`).
  matches(call, filter) {
    const is = (wanted: string, ...values: readonly (string | null)[]) =>
      wanted === '' || values.includes(wanted);
    if (call.counts !== 'own' || !MODEL_KINDS.includes(call.kind)) return false;
    if (!is(filter.model, call.responseModel, call.requestModel)) return false;
    if (!is(filter.provider, call.provider) || !is(filter.service, call.service)) return false;
    if (!is(filter.agent, call.agent) || !is(filter.user, call.userId)) return false;
    if (!is(filter.session, call.sessionId, call.conversationId) || !is(filter.tag, ...call.tags))
      return false;
    if (filter.errors && call.status !== 'error') return false;
    if (filter.minDurationMs !== null && Number(call.durationNano) < filter.minDurationMs * 1e6) return false;
    if (filter.minCost !== null && (call.cost ?? -1) < filter.minCost) return false;
    return isInRange(parseNanos(call.startNano), filter.range);
  },
  decides: ({ q }) => q === '',
};

/** How a call's time is drawn: up to the first piece of the answer, and the rest. Fractions of the scale. */
export interface LatencyBar {
  first: number;
  rest: number;
  /** The call took longer than the scale shows. */
  isCut: boolean;
}

/** What the bars of a list end with: enough for nearly all of them, so that one slow call does not flatten the others. */
export function latencyScale(durations: readonly number[]): number {
  const sorted = durations.filter((duration) => duration > 0).toSorted((a, b) => a - b);
  const most = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 1e9;
  const size = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 5].find((step) => step * size >= most) ?? 10) * size;
}

export function latencyBar(duration: number, toFirst: number | null, scale: number): LatencyBar {
  const whole = Math.min(duration / scale, 1);
  const first = toFirst === null ? 0 : Math.min(Math.max(toFirst, 0) / scale, whole);
  return { first, rest: whole - first, isCut: duration > scale };
}

/** Pieces of an answer per second: output tokens over the time after the first one. */
export function tokensPerSecond(
  call: Pick<LlmCallRow, 'outputTokens' | 'durationNano' | 'timeToFirstChunkNano'>,
): number | null {
  const seconds = (Number(call.durationNano) - Number(call.timeToFirstChunkNano ?? 0)) / 1e9;
  return call.outputTokens && seconds > 0 ? call.outputTokens / seconds : null;
}
