import { expect, it } from 'vitest';
import { spanTitle, traceTitle } from './span-title';
import { span, summary } from './test-data';

it('of a span is its message, then its name', () => {
  const message = { key: 'logfire.msg', value: { stringValue: 'order 7 placed' } };
  expect(spanTitle(span('a', null, { name: 'order {id} placed', attributes: [message] }))).toBe(
    'order 7 placed',
  );
  expect(spanTitle(span('a', null, { name: 'GET /' }))).toBe('GET /');
  expect(spanTitle(span('a', null, { name: '' }))).toBe('unnamed');
});

it('of a trace is what its root says', () => {
  expect(traceTitle(summary('t', 1, { rootMessage: 'order 7 placed' }))).toBe('order 7 placed');
  expect(traceTitle(summary('t', 1))).toBe('GET /');
});
