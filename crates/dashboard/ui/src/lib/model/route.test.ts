import { expect, it } from 'vitest';
import { listLink, parseRoute, traceLink } from './route';

it.each([
  ['/', { view: 'traces' }],
  ['/traces', { view: 'traces' }],
  ['/traces/', { view: 'traces' }],
  ['/traces/AB12', { view: 'trace', traceId: 'ab12' }],
  ['/traces/%', { view: 'trace', traceId: '%' }],
  ['/logs', { view: 'logs' }],
  ['/metrics', { view: 'metrics' }],
  ['/status', { view: 'destinations' }],
  ['/live', { view: 'live' }],
  ['/sql', { view: 'sql' }],
  ['/logs/more', { view: 'unknown' }],
  ['/traces/a/b', { view: 'unknown' }],
  ['/elsewhere', { view: 'unknown' }],
])('%s is %j', (path, route) => {
  expect(parseRoute(path)).toEqual(route);
});

it('links to a span inside its trace', () => {
  expect(traceLink('ab', 'cd')).toBe('/traces/ab?span=cd');
  expect(traceLink('ab', null)).toBe('/traces/ab');
});

it('links to a list with the filters that are set', () => {
  expect(listLink('logs', { q: 'a b', service: '', traceId: null })).toBe('/logs?q=a+b');
  expect(listLink('errors', {})).toBe('/errors');
});
