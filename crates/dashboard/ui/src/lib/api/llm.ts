/** The part of the hub's API that knows of language models: calls, sessions, cost, agents. */

import { get, type PageQuery, type Parameter, type TimeSpan } from './client';
import type {
  LlmAgent,
  LlmCallDetail,
  LlmCallPage,
  LlmCost,
  LlmFacets,
  AgentGraph,
  LlmConversation,
  LlmSessionPage,
} from './types';

/** What calls are sorted by; the first is the default. */
export const CALL_SORTS = ['newest', 'cost', 'duration', 'tokens'] as const;
export type CallSort = (typeof CALL_SORTS)[number];

/** What cost is split by; the first is the default. */
export const COST_BY = ['model', 'provider', 'service', 'user', 'session', 'tag', 'agent'] as const;
export type CostBy = (typeof COST_BY)[number];

/** Which calls, of a list, its facets or its cost. */
export interface CallQuery extends TimeSpan {
  service?: string;
  provider?: string;
  model?: string;
  session?: string;
  user?: string;
  tag?: string;
  agent?: string;
  kind?: string;
  errors?: boolean;
  /** Words anywhere in the call. */
  q?: string;
  minDurationMs?: number | null;
  minCost?: number | null;
}

export function listCalls(
  query: CallQuery & PageQuery & { sort?: CallSort },
  signal?: AbortSignal,
): Promise<LlmCallPage> {
  return get('/api/llm/calls', callParameters(query), signal);
}

export function getCallFacets(query: CallQuery, signal?: AbortSignal): Promise<LlmFacets> {
  return get('/api/llm/facets', callParameters(query), signal);
}

export function getCall(traceId: string, spanId: string, signal?: AbortSignal): Promise<LlmCallDetail> {
  return get(`/api/llm/calls/${encodeURIComponent(traceId)}/${encodeURIComponent(spanId)}`, {}, signal);
}

export function getCost(
  query: CallQuery & { bins: number; by: CostBy },
  signal?: AbortSignal,
): Promise<LlmCost> {
  return get('/api/llm/cost', callParameters(query), signal);
}

export function listSessions(
  query: TimeSpan & PageQuery & { q?: string; user?: string; service?: string },
  signal?: AbortSignal,
): Promise<LlmSessionPage> {
  return get('/api/llm/sessions', { ...query }, signal);
}

export function getSession(id: string, signal?: AbortSignal): Promise<LlmConversation> {
  return get(`/api/llm/sessions/${encodeURIComponent(id)}`, {}, signal);
}

export function listAgents(
  query: TimeSpan & { service?: string },
  signal?: AbortSignal,
): Promise<{ agents: LlmAgent[] }> {
  return get('/api/llm/agents', { ...query }, signal);
}

export function getAgentGraph(
  query: TimeSpan & { trace?: string; agent?: string },
  signal?: AbortSignal,
): Promise<AgentGraph> {
  return get('/api/llm/graph', { ...query }, signal);
}

type Parameters = CallQuery & PageQuery & { sort?: CallSort; bins?: number; by?: CostBy };

function callParameters(query: Parameters): Record<string, Parameter> {
  return { ...query, errors: query.errors || undefined };
}
