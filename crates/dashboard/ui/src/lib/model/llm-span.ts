/** Which spans of a trace are worth asking for what was said in them. */

import type { Span } from '../api/types';

/** How attributes begin that any dialect of calls of models uses; whether it is a call, the hub decides. */
const PREFIXES = [
  'gen_ai.',
  'llm.',
  'ai.',
  'openinference.',
  'traceloop.',
  'langfuse.',
  'claude_code.',
  'codex.',
];

export function isLlmSpan(span: Pick<Span, 'attributes'>): boolean {
  return span.attributes.some(({ key }) => PREFIXES.some((prefix) => key.startsWith(prefix)));
}
