import { expect, it } from 'vitest';
import { traceToHtml, traceToOtlp } from './share';
import { spanAt } from './test-data';
import { buildTraceTree } from './trace-tree';

const evil = '<img src=x onerror="alert(1)">';

it('groups spans by resource and scope, in the wire format', () => {
  const spans = [
    spanAt('a', null, 0, 10, { kind: 'SERVER' }),
    spanAt('b', 'a', 1, 2, { status: { code: 'ERROR', message: 'no' } }),
    spanAt('c', 'a', 1, 2, { scope: { name: 'db', version: '1', attributes: [] } }),
  ];
  const { resourceSpans } = traceToOtlp(spans) as {
    resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[];
  };
  expect(resourceSpans).toHaveLength(1);
  const [first, second] = resourceSpans[0]!.scopeSpans;
  expect(first!.spans.map((span) => span['kind'])).toEqual([2, 1]);
  expect(first!.spans[0]).not.toHaveProperty('parentSpanId');
  expect(first!.spans[1]).toMatchObject({ parentSpanId: 'a', status: { code: 2, message: 'no' } });
  expect(second!.spans).toHaveLength(1);
});

it('makes a page in which the text of a trace is only ever text', () => {
  const attributes = [{ key: evil, value: { stringValue: evil } }];
  const spans = [spanAt('a', null, 0, 10, { name: evil, service: evil, attributes })];
  const html = traceToHtml(buildTraceTree({ traceId: evil, spans }));
  expect(html).not.toContain('<img');
  expect(html).not.toContain('<script');
  expect(html).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
});
