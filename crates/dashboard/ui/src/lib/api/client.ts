/** One function per route of the hub's API. Each can be cancelled and fails with an {@link ApiError} only. */

import type {
  ErrorBody,
  ErrorGroup,
  LogFacets,
  LogPage,
  Metric,
  MetricData,
  Operation,
  Overview,
  Profile,
  ProfileTree,
  Rate,
  Red,
  SavedView,
  ServiceMap,
  SqlResult,
  SqlView,
  Status,
  TestOutcome,
  Trace,
  TracePage,
  operations,
} from './types';

export type Aggregation = NonNullable<
  NonNullable<operations['getMetricsSeries']['parameters']['query']>['aggregation']
>;

/** A failure in words for the reader: what happened, and what to do next where the server knows. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly hint: string | null,
    /** The HTTP status, or 0 when no answer came. */
    readonly status: number,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export type Parameter = string | number | boolean | null | undefined | readonly string[];

/** Nanoseconds since 1970 in decimal; `to` is not included. */
export interface TimeSpan {
  from?: string | null;
  to?: string | null;
}

/** Which traces, of a list, a rate or an export. */
export interface TraceQuery extends TimeSpan {
  service?: string;
  operation?: string;
  /** Part of a span's name. */
  name?: string;
  /** Words anywhere in the trace. */
  q?: string;
  errors?: boolean;
  minDurationMs?: number | null;
  maxDurationMs?: number | null;
  /** `key=value`, all of which must hold. */
  attr?: readonly string[];
}

export interface LogQuery extends TimeSpan {
  service?: string;
  severityMin?: number;
  /** Words of the body. */
  q?: string;
  traceId?: string;
  attr?: readonly string[];
}

export interface PageQuery {
  limit?: number;
  cursor?: string | null;
}

export function listTraces(query: TraceQuery & PageQuery, signal?: AbortSignal): Promise<TracePage> {
  return get('/api/traces', traceParameters(query), signal);
}

export function getTrace(traceId: string, signal?: AbortSignal): Promise<Trace> {
  return get(`/api/traces/${encodeURIComponent(traceId)}`, {}, signal);
}

export function listTraceLogs(traceId: string, signal?: AbortSignal): Promise<LogPage> {
  return get(`/api/traces/${encodeURIComponent(traceId)}/logs`, {}, signal);
}

export function listLogs(query: LogQuery & PageQuery, signal?: AbortSignal): Promise<LogPage> {
  return get('/api/logs', logParameters(query), signal);
}

export function getLogFacets(query: LogQuery, signal?: AbortSignal): Promise<LogFacets> {
  return get('/api/logs/facets', logParameters(query), signal);
}

export function getTraceRate(query: TraceQuery, bins: number, signal?: AbortSignal): Promise<Rate> {
  return get('/api/rate', { signal: 'traces', bins, ...traceParameters(query) }, signal);
}

export function getLogRate(query: LogQuery, bins: number, signal?: AbortSignal): Promise<Rate> {
  return get('/api/rate', { signal: 'logs', bins, ...logParameters(query) }, signal);
}

export function listOperations(
  query: TimeSpan & { service?: string },
  signal?: AbortSignal,
): Promise<{ operations: Operation[] }> {
  return get('/api/operations', { ...query }, signal);
}

export function getOverview(query: TimeSpan & { bins: number }, signal?: AbortSignal): Promise<Overview> {
  return get('/api/overview', { ...query }, signal);
}

export interface RedQuery extends TimeSpan {
  service: string;
  operation?: string;
  bins: number;
}

export function getRed(query: RedQuery, signal?: AbortSignal): Promise<Red> {
  return get('/api/red', { ...query }, signal);
}

export function getServiceMap(query: TimeSpan, signal?: AbortSignal): Promise<ServiceMap> {
  return get('/api/service-map', { ...query }, signal);
}

export function listMetrics(signal?: AbortSignal): Promise<{ metrics: Metric[] }> {
  return get('/api/metrics', {}, signal);
}

export interface SeriesQuery extends TimeSpan {
  name: string;
  service?: string;
  bins: number;
  groupBy: readonly string[];
  aggregation: Aggregation;
  attr?: readonly string[];
}

export function getMetricSeries(query: SeriesQuery, signal?: AbortSignal): Promise<MetricData> {
  return get('/api/metrics/series', { ...query }, signal);
}

export function listErrors(
  query: TimeSpan & { service?: string },
  signal?: AbortSignal,
): Promise<{ groups: ErrorGroup[] }> {
  return get('/api/errors', { ...query }, signal);
}

export function listProfiles(
  query: TimeSpan & { service?: string },
  signal?: AbortSignal,
): Promise<{ profiles: Profile[] }> {
  return get('/api/profiles', { ...query }, signal);
}

export function getProfile(
  id: string,
  sampleType: string | null,
  signal?: AbortSignal,
): Promise<ProfileTree> {
  return get(`/api/profiles/${encodeURIComponent(id)}`, { sampleType }, signal);
}

export function runSql(sql: string, signal?: AbortSignal): Promise<SqlResult> {
  return send('/api/sql', 'POST', { sql }, signal);
}

export function getSqlSchema(signal?: AbortSignal): Promise<{ views: SqlView[] }> {
  return get('/api/sql/schema', {}, signal);
}

export function listViews(signal?: AbortSignal): Promise<{ views: SavedView[] }> {
  return get('/api/views', {}, signal);
}

export async function saveView(view: Omit<SavedView, 'id'>): Promise<void> {
  await request('/api/views', json('PUT', view));
}

export async function deleteView(id: string): Promise<void> {
  await request(`/api/views/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

export function testDestination(id: string): Promise<TestOutcome> {
  return send(`/api/destinations/${encodeURIComponent(id)}/test`, 'POST', {});
}

/** Where the browser fetches the matching traces or logs as a file. */
export function exportLink(signal: 'traces', format: 'otlp' | 'jsonl', query: TraceQuery): string;
export function exportLink(signal: 'logs', format: 'otlp' | 'jsonl', query: LogQuery): string;
export function exportLink(signal: string, format: string, query: TraceQuery & LogQuery): string {
  const parameters = signal === 'traces' ? traceParameters(query) : logParameters(query);
  return withParameters('/api/export', { signal, format, ...parameters });
}

export interface Imported {
  traces: number;
  logs: number;
  metrics: number;
}

/** Puts an OTLP/JSON document, or JSON lines of such, into the store. */
export async function importFile(file: Blob): Promise<Imported> {
  const response = await request('/api/import', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: file,
  });
  return (await response.json()) as Imported;
}

export function listServices(signal?: AbortSignal): Promise<{ services: string[] }> {
  return get('/api/services', {}, signal);
}

export function getStatus(signal?: AbortSignal): Promise<Status> {
  return get('/api/status', {}, signal);
}

/** Sends one OTLP/JSON trace request to the hub that served the page. */
export async function sendTraces(body: object, signal?: AbortSignal): Promise<void> {
  await request('/v1/traces', json('POST', body, signal));
}

/** True for the error of a request that its own caller gave up. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** The path with the parameters that have a value. */
export function withParameters(path: string, parameters: Record<string, Parameter>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (Array.isArray(value)) for (const one of value as readonly string[]) search.append(key, one);
    else if (value !== undefined && value !== null && value !== '') search.set(key, String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

function traceParameters(query: TraceQuery & PageQuery): Record<string, Parameter> {
  return { ...query, errors: query.errors || undefined };
}

function logParameters(query: LogQuery & PageQuery): Record<string, Parameter> {
  return { ...query, severityMin: query.severityMin || undefined };
}

function json(method: string, body: object, signal?: AbortSignal): RequestInit {
  return {
    method,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
    signal: signal ?? null,
  };
}

async function send<T>(url: string, method: string, body: object, signal?: AbortSignal): Promise<T> {
  return readJson<T>(url, await request(url, json(method, body, signal)));
}

/** Asks a route of the API for its JSON; parameters without a value stay out. */
export async function get<T>(
  path: string,
  parameters: Record<string, Parameter>,
  signal?: AbortSignal,
): Promise<T> {
  const response = await request(withParameters(path, parameters), {
    headers: { accept: 'application/json' },
    signal: signal ?? null,
  });
  return readJson<T>(path, response);
}

async function readJson<T>(path: string, response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(
      `${path} did not answer with JSON`,
      'Is something else listening on this port?',
      response.status,
    );
  }
}

async function request(url: string, options: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(
      'Fanlight does not answer',
      'It may have been stopped. Start it again with: fanlight',
      0,
    );
  }
  if (!response.ok) throw await refusal(url, response);
  return response;
}

async function refusal(url: string, response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as ErrorBody | null;
  const message = body?.error?.message ?? `${url} answered ${response.status} ${response.statusText}`.trim();
  return new ApiError(message, body?.error?.hint ?? null, response.status);
}
