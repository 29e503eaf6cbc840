import { expect, it } from 'vitest';
import { liveKind, liveLog, liveTrace, readLiveFilter } from './live-feed';
import { log, summary } from './test-data';

const trace = liveTrace(
  summary('t', 20, { rootMessage: 'order 7 placed', errorCount: 1, services: ['shop', 'db'] }),
);
const record = liveLog(log('cache miss', 10));
const matching = (query: string) =>
  [trace, record].filter((item) => liveKind.matches(item, readLiveFilter(new URLSearchParams(query))));

it('has the newest of both signals first', () => {
  expect(
    [record, trace].sort((a, b) => liveKind.compare(a, b, readLiveFilter(new URLSearchParams()))),
  ).toEqual([trace, record]);
});

it.each([
  ['', 2],
  ['signal=log', 1],
  ['service=db', 1],
  ['errors=true', 1],
  ['q=CACHE', 1],
  ['q=order', 1],
  ['q=order&signal=log', 0],
])('"%s" matches %d of two', (query, count) => {
  expect(matching(query)).toHaveLength(count);
});
