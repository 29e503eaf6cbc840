/** One trace as a file to hand on: OTLP/JSON, or a page of its own that needs neither scripts nor this hub. */

import type { Span, SpanKind } from '../api/types';
import { formatDuration, formatIso } from './time';
import { spanTitle } from './span-title';
import type { SpanNode, TraceTree } from './trace-tree';
import { showValue } from './value';

const KINDS: Record<SpanKind, number> = {
  UNSPECIFIED: 0,
  INTERNAL: 1,
  SERVER: 2,
  CLIENT: 3,
  PRODUCER: 4,
  CONSUMER: 5,
};
const STATUS = { UNSET: 0, OK: 1, ERROR: 2 };

/** A request as an SDK would send it (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). */
export function traceToOtlp(spans: readonly Span[]): object {
  const resources = new Map<
    string,
    { resource: object; scopes: Map<string, { scope: object; spans: object[] }> }
  >();
  for (const span of spans) {
    const resource = { attributes: span.resource.attributes };
    const entry = entryOf(resources, resource, () => ({ resource, scopes: new Map() }));
    entryOf(entry.scopes, span.scope, () => ({ scope: span.scope, spans: [] })).spans.push(otlpSpan(span));
  }
  return {
    resourceSpans: [...resources.values()].map(({ resource, scopes }) => ({
      resource,
      scopeSpans: [...scopes.values()],
    })),
  };
}

function entryOf<T>(map: Map<string, T>, identity: object, make: () => T): T {
  const key = JSON.stringify(identity);
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function otlpSpan(span: Span): object {
  const { traceId, spanId, name, startTimeUnixNano, endTimeUnixNano, attributes, events, links } = span;
  return {
    traceId,
    spanId,
    ...(span.parentSpanId ? { parentSpanId: span.parentSpanId } : {}),
    name,
    kind: KINDS[span.kind],
    startTimeUnixNano,
    endTimeUnixNano,
    attributes,
    droppedAttributesCount: span.droppedAttributesCount,
    events,
    links,
    status: { code: STATUS[span.status.code], message: span.status.message },
  };
}

/** Past this the file would be too heavy to open; it says what it left out. */
const SPANS_IN_HTML = 5_000;

const STYLE = `:root{color-scheme:light dark;--line:light-dark(#e4dfd5,#282d38);--soft:light-dark(#5c6068,#a3a7b0);
--bar:light-dark(#2f6fc4,#5f9df0);--error:light-dark(#c02637,#ff7b86)}
body{margin:24px;font:13px/1.45 system-ui,sans-serif;background:light-dark(#fffefb,#181b22);color:light-dark(#22252b,#e6e4de)}
h1{font-size:18px}p,small,dt{color:var(--soft)}details{border-top:1px solid var(--line)}
summary{display:grid;grid-template-columns:minmax(0,42%) minmax(0,1fr);gap:12px;padding:3px 0;cursor:pointer;list-style:none}
.name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.failed .name{color:var(--error);font-weight:600}
.time{position:relative}.bar{position:absolute;top:3px;height:12px;min-width:2px;border-radius:3px;background:var(--bar)}
.failed .bar{background:var(--error)}.long{position:absolute;top:0;color:var(--soft);font-size:12px}
dl{display:grid;grid-template-columns:minmax(120px,26%) minmax(0,1fr);gap:2px 14px;margin:4px 0 12px 24px}
dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font:12px ui-monospace,monospace}`;

/** The whole document. All text of the trace is escaped; there is nothing in it that runs. */
export function traceToHtml(tree: TraceTree): string {
  const shown = tree.inOrder.slice(0, SPANS_IN_HTML);
  const first = shown.find((node) => node.span)?.span;
  const title = escapeHtml(first ? spanTitle(first) : 'Trace');
  const left = tree.inOrder.length - shown.length;
  const facts = [
    formatIso(tree.start),
    formatDuration(tree.duration),
    `${tree.spanCount} spans`,
    `${tree.errors.length} errors`,
    tree.services.map(escapeHtml).join(', '),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title><style>${STYLE}</style></head><body>
<h1>${title}</h1><p>${facts.join(' · ')}<br><small>Trace ${escapeHtml(tree.traceId)}, from Fanlight</small></p>
${shown.map((node) => htmlRow(node, tree)).join('\n')}
${left > 0 ? `<p>${left} more spans are not in this file.</p>` : ''}</body></html>
`;
}

function htmlRow(node: SpanNode, tree: TraceTree): string {
  const percent = (part: number) => (tree.duration > 0 ? ((part / tree.duration) * 100).toFixed(3) : '0');
  const name = node.span ? spanTitle(node.span) : `missing parent ${node.id}`;
  const service = node.span ? ` <small>${escapeHtml(node.span.service)}</small>` : '';
  const end = percent(Math.min(node.start + node.duration, tree.duration * 0.9));
  return (
    `<details${node.isError ? ' class="failed"' : ''}><summary>` +
    `<span class="name" style="padding-left:${Math.min(node.depth, 24) * 12}px">${escapeHtml(name)}${service}</span>` +
    `<span class="time"><span class="bar" style="left:${percent(node.start)}%;width:${percent(node.duration)}%"></span>` +
    `<span class="long" style="left:calc(${end}% + 6px)">${formatDuration(node.duration)}</span></span></summary>` +
    `<dl>${node.span ? htmlFacts(node.span) : ''}</dl></details>`
  );
}

function htmlFacts(span: Span): string {
  const facts: [string, string][] = [
    ['name', span.name],
    ['span id', span.spanId],
    ['kind', span.kind.toLowerCase()],
    ['status', [span.status.code, span.status.message].filter(Boolean).join(': ')],
    ...span.attributes.map(({ key, value }): [string, string] => [key, showValue(value).text]),
    ...span.events.flatMap((event) =>
      [{ key: '', value: { stringValue: event.name } }, ...event.attributes].map(
        ({ key, value }): [string, string] => [
          `event ${event.name}${key && ` · ${key}`}`,
          showValue(value).text,
        ],
      ),
    ),
  ];
  return facts.map(([key, value]) => `<dt>${escapeHtml(key)}</dt><dd>${escapeHtml(value)}</dd>`).join('');
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
