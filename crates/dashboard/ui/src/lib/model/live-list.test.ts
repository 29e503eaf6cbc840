import { describe, expect, it } from 'vitest';
import type { TraceSummary } from '../api/types';
import { appendPage, mergeNews } from './live-list';
import { logKind, readLogFilter } from './logs';
import { log, summary } from './test-data';
import { readTraceFilter, traceKind } from './traces';

const all = readTraceFilter(new URLSearchParams());
const merge = (items: TraceSummary[], news: TraceSummary[], filter = all, hasOlder = false, bound = 100) =>
  mergeNews(items, news, filter, traceKind, { hasOlder, bound });
const ids = (items: TraceSummary[]) => items.map((item) => item.traceId);

describe('mergeNews', () => {
  const items = [summary('c', 30), summary('b', 20), summary('a', 10)];

  it('puts news where their time says', () => {
    expect(ids(merge(items, [summary('x', 15), summary('d', 40)]).items)).toEqual(['d', 'c', 'b', 'x', 'a']);
  });

  it('replaces a known trace, also when its start moved', () => {
    const merged = merge(items, [summary('b', 20, { spanCount: 7 })]).items;
    expect(ids(merged)).toEqual(['c', 'b', 'a']);
    expect(merged[1]?.spanCount).toBe(7);
    expect(ids(merge(items, [summary('c', 5)]).items)).toEqual(['b', 'a', 'c']);
  });

  it('takes the last of several news about one trace', () => {
    const merged = merge([], [summary('a', 1, { spanCount: 1 }), summary('a', 1, { spanCount: 2 })]).items;
    expect(merged.map((item) => item.spanCount)).toEqual([2]);
  });

  it('drops what does not match', () => {
    const errors = { ...all, errors: true };
    expect(merge([], [summary('a', 1)], errors).items).toEqual([]);
    expect(ids(merge([], [summary('a', 1, { errorCount: 1 })], errors).items)).toEqual(['a']);
  });

  it('leaves traces from before the last page to that page', () => {
    expect(ids(merge(items, [summary('old', 1)], all, true).items)).toEqual(['c', 'b', 'a']);
    expect(ids(merge(items, [summary('old', 1)], all, false).items)).toEqual(['c', 'b', 'a', 'old']);
  });

  it('keeps within its bound and says so', () => {
    const merged = merge(items, [summary('d', 40)], all, false, 3);
    expect(ids(merged.items)).toEqual(['d', 'c', 'b']);
    expect(merged.cut).toBe(true);
  });
});

it('appends a page without repeating anything', () => {
  const items = appendPage([summary('b', 2)], [summary('b', 2), summary('a', 1), summary('a', 1)], traceKind);
  expect(ids(items)).toEqual(['b', 'a']);
});

describe('traceKind.matches', () => {
  const trace = summary('a', 1, {
    rootName: 'GET /cart',
    services: ['web', 'db'],
    durationNano: '250000000',
  });

  it.each([
    ['', true],
    ['service=db', true],
    ['service=other', false],
    ['maxDurationMs=250', true],
    ['maxDurationMs=249', false],
    ['from=1&to=2', true],
    ['from=2', false],
    ['errors=true', false],
    ['minDurationMs=250', true],
    ['minDurationMs=251', false],
    ['minDurationMs=junk', true],
  ])('?%s is %s', (query, matches) => {
    expect(traceKind.matches(trace, readTraceFilter(new URLSearchParams(query)))).toBe(matches);
  });
});

it.each([
  ['service=db&errors=true', true],
  ['q=card', false],
  ['name=cart', false],
  ['operation=GET', false],
  ['attr=a=1', false],
])('a summary decides about ?%s: %s', (query, decides) => {
  expect(traceKind.decides?.(readTraceFilter(new URLSearchParams(query)))).toBe(decides);
});

describe('logKind', () => {
  it.each([
    ['', true],
    ['q=Card', true],
    ['q=cart', false],
    ['severityMin=13', true],
    ['severityMin=17', false],
    ['service=shop', true],
    ['service=web', false],
    ['attr=user=7', true],
    ['attr=user=8', false],
    ['traceId=ab', false],
    ['from=2', false],
  ])('?%s is %s', (query, matches) => {
    const attributes = [{ key: 'user', value: { intValue: '7' } }];
    const record = log('card declined', 1, { severityNumber: 13, attributes });
    expect(logKind.matches(record, readLogFilter(new URLSearchParams(query)))).toBe(matches);
  });

  it('uses the observed time where the source gave none', () => {
    const unset = log('b', 0, { observedTimeUnixNano: '50' });
    expect(logKind.compare(unset, log('a', 40), readLogFilter(new URLSearchParams()))).toBeLessThan(0);
  });
});
