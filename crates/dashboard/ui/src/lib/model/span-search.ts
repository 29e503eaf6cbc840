/** Search inside one trace: plain text, case ignored, in everything that a span says. */

import type { KeyValue, Span } from '../api/types';
import { ancestors, type TraceTree } from './trace-tree';
import { toJson } from './value';

/** Ids of the spans that hold every word of the query, in drawing order. An empty query finds nothing. */
export function searchSpans(tree: TraceTree, query: string, texts: SpanTexts): string[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return tree.inOrder
    .filter(({ id, span }) => {
      const text = span ? texts.of(span) : id;
      return words.every((word) => text.includes(word));
    })
    .map((node) => node.id);
}

/** The found spans and everything above them: what stays when the rest is hidden. */
export function withAncestors(tree: TraceTree, ids: Iterable<string>): Set<string> {
  const kept = new Set<string>();
  for (const id of ids) {
    const node = tree.byId.get(id);
    if (!node) continue;
    kept.add(id);
    for (const above of ancestors(node)) {
      if (kept.has(above.id)) break;
      kept.add(above.id);
    }
  }
  return kept;
}

/** Remembers each span's searchable text, so that a keystroke in a trace of 50,000 spans costs one pass of `includes`. */
export class SpanTexts {
  readonly #texts = new WeakMap<Span, string>();

  of(span: Span): string {
    let text = this.#texts.get(span);
    if (text === undefined) {
      text = spanText(span);
      this.#texts.set(span, text);
    }
    return text;
  }
}

function spanText(span: Span): string {
  const parts = [span.name, span.service, span.spanId, span.kind, span.scope.name, span.status.message];
  if (span.status.code === 'ERROR') parts.push('error');
  addAttributes(parts, span.attributes);
  for (const event of span.events) {
    parts.push(event.name);
    addAttributes(parts, event.attributes);
  }
  return parts.join('\n').toLowerCase();
}

function addAttributes(parts: string[], attributes: readonly KeyValue[]): void {
  for (const { key, value } of attributes) {
    const json = toJson(value);
    parts.push(`${key}=${typeof json === 'object' ? JSON.stringify(json) : String(json)}`);
  }
}
