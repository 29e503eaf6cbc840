import { expect, it } from 'vitest';
import { callLink, listLink, parseRoute, placeOf, sessionLink, traceLink } from './route';

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
  ['/llm', { view: 'llm' }],
  ['/llm/AB/CD', { view: 'call', traceId: 'ab', spanId: 'cd' }],
  ['/llm/ab', { view: 'unknown' }],
  ['/llm/a/b/c', { view: 'unknown' }],
  ['/sessions/a%2Fb%20C', { view: 'session', id: 'a/b C' }],
  ['/sessions/a/b', { view: 'unknown' }],
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

it('leads to a session whatever its id is made of', () => {
  const id = 'user/7 #é?';
  expect(parseRoute(new URL(sessionLink(id, 'ab'), 'http://hub').pathname)).toEqual({ view: 'session', id });
  expect(parseRoute(callLink('ab', 'cd'))).toEqual({ view: 'call', traceId: 'ab', spanId: 'cd' });
});

it('counts a call to the calls, and a session to the sessions', () => {
  expect(
    ['/llm/a/b', '/sessions/a', '/traces/a', '/cost', '/x'].map((path) => placeOf(parseRoute(path))),
  ).toEqual(['llm', 'sessions', 'traces', 'cost', null]);
});
