/** Makes API values for tests; a test states only what it is about. */

import type { CostTotals, LlmCallRow, LogRecord, Span, TraceSummary } from '../api/types';

export function span(spanId: string, parentSpanId: string | null, more: Partial<Span> = {}): Span {
  return {
    traceId: 't',
    spanId,
    parentSpanId,
    name: `span ${spanId}`,
    kind: 'INTERNAL',
    service: 'shop',
    startTimeUnixNano: '1000',
    endTimeUnixNano: '2000',
    status: { code: 'UNSET', message: '' },
    attributes: [],
    resource: { attributes: [] },
    scope: { name: '', version: '', attributes: [] },
    events: [],
    links: [],
    droppedAttributesCount: 0,
    ...more,
  };
}

export function summary(traceId: string, start: number, more: Partial<TraceSummary> = {}): TraceSummary {
  return {
    traceId,
    rootName: 'GET /',
    rootMessage: null,
    rootService: 'shop',
    startTimeUnixNano: String(start),
    durationNano: '5000000',
    spanCount: 1,
    errorCount: 0,
    services: ['shop'],
    hasRoot: true,
    ...more,
  };
}

export function log(bodyText: string, time: number, more: Partial<LogRecord> = {}): LogRecord {
  return {
    timeUnixNano: String(time),
    observedTimeUnixNano: String(time),
    severityNumber: 9,
    severityText: 'INFO',
    body: { stringValue: bodyText },
    bodyText,
    traceId: null,
    spanId: null,
    service: 'shop',
    attributes: [],
    resource: { attributes: [] },
    scope: { name: '', version: '', attributes: [] },
    eventName: '',
    ...more,
  };
}

/** A span with times counted from the start of its trace. */
export function spanAt(
  spanId: string,
  parentSpanId: string | null,
  start: number,
  end: number,
  more: Partial<Span> = {},
): Span {
  const times = { startTimeUnixNano: String(1_000 + start), endTimeUnixNano: String(1_000 + end) };
  return span(spanId, parentSpanId, { ...times, ...more });
}

export function call(spanId: string, more: Partial<LlmCallRow> = {}): LlmCallRow {
  return {
    traceId: 't',
    spanId,
    parentSpanId: null,
    name: 'chat',
    service: 'shop',
    kind: 'llm',
    counts: 'own',
    operation: 'chat',
    provider: null,
    requestModel: null,
    responseModel: null,
    startNano: '1000',
    durationNano: '1000000000',
    timeToFirstChunkNano: null,
    streaming: null,
    inputTokens: null,
    outputTokens: null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
    cost: null,
    costSource: null,
    status: 'ok',
    errorType: null,
    finishReasons: [],
    sessionId: null,
    conversationId: null,
    userId: null,
    tags: [],
    agent: null,
    inputPreview: '',
    outputPreview: '',
    toolCalls: 0,
    fromLog: false,
    ...more,
  };
}

export function costTotals(more: Partial<CostTotals> = {}): CostTotals {
  return {
    calls: 1,
    errors: 0,
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    cost: 0,
    unpricedCalls: 0,
    cacheSavings: 0,
    averageNano: '0',
    p50Nano: '0',
    p95Nano: '0',
    ...more,
  };
}
