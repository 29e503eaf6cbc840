/** One function per route of the hub's API. Each can be cancelled and fails with an {@link ApiError} only. */

import type { ErrorBody, LogPage, Metric, Status, Trace, TracePage } from './types';

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

type Parameter = string | number | boolean | null | undefined;

export interface TraceQuery {
  limit?: number;
  cursor?: string | null;
  service?: string;
  /** Part of the root span's name. */
  name?: string;
  errors?: boolean;
  minDurationMs?: number | null;
}

export interface LogQuery {
  limit?: number;
  cursor?: string | null;
  service?: string;
  severityMin?: number;
  /** Part of the body. */
  q?: string;
}

export function listTraces(query: TraceQuery, signal?: AbortSignal): Promise<TracePage> {
  return get('/api/traces', { ...query, errors: query.errors || undefined }, signal);
}

export function getTrace(traceId: string, signal?: AbortSignal): Promise<Trace> {
  return get(`/api/traces/${encodeURIComponent(traceId)}`, {}, signal);
}

export function listTraceLogs(traceId: string, signal?: AbortSignal): Promise<LogPage> {
  return get(`/api/traces/${encodeURIComponent(traceId)}/logs`, {}, signal);
}

export function listLogs(query: LogQuery, signal?: AbortSignal): Promise<LogPage> {
  return get('/api/logs', { ...query, severityMin: query.severityMin || undefined }, signal);
}

export function listMetrics(signal?: AbortSignal): Promise<{ metrics: Metric[] }> {
  return get('/api/metrics', {}, signal);
}

export function listServices(signal?: AbortSignal): Promise<{ services: string[] }> {
  return get('/api/services', {}, signal);
}

export function getStatus(signal?: AbortSignal): Promise<Status> {
  return get('/api/status', {}, signal);
}

/** Sends one OTLP/JSON trace request to the hub that served the page. */
export async function sendTraces(body: object, signal?: AbortSignal): Promise<void> {
  await request('/v1/traces', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
}

/** True for the error of a request that its own caller gave up. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** The path with the parameters that have a value. */
export function withParameters(path: string, parameters: Record<string, Parameter>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== '') search.set(key, String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

async function get<T>(path: string, parameters: Record<string, Parameter>, signal?: AbortSignal): Promise<T> {
  const response = await request(withParameters(path, parameters), {
    headers: { accept: 'application/json' },
    signal: signal ?? null,
  });
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
