import { describe, expect, it } from 'vitest';
import {
  callKind,
  callQuery,
  isCallFilterSet,
  latencyBar,
  latencyScale,
  readCallFilter,
  tokensPerSecond,
} from './llm-calls';
import { mergeNews } from './live-list';
import { call } from './test-data';

const filter = (query: string) => readCallFilter(new URLSearchParams(query));

it('reads its filter from the URL, and leaves out what is no value', () => {
  expect(filter('model=gpt-4o&tag=a&minCost=0.5&minDurationMs=-1&sort=cheap&errors=yes')).toMatchObject({
    model: 'gpt-4o',
    tag: 'a',
    minCost: 0.5,
    minDurationMs: null,
    sort: 'newest',
    errors: false,
  });
  expect(isCallFilterSet(filter('sort=cost'))).toBe(false);
  expect(isCallFilterSet(filter('user=ann'))).toBe(true);
  expect(callQuery(filter('user=ann&sort=cost&range=5m'), 600_000)).toMatchObject({
    user: 'ann',
    from: '300000000000',
    to: null,
  });
});

describe('what comes live', () => {
  const one = call('1', {
    provider: 'openai',
    requestModel: 'gpt-4o',
    responseModel: 'gpt-4o-2024-08-06',
    sessionId: 's',
    conversationId: 'c',
    tags: ['a', 'b'],
    cost: 0.2,
    durationNano: '2000000000',
    status: 'error',
  });

  it.each([
    'model=gpt-4o',
    'model=gpt-4o-2024-08-06',
    'session=s',
    'session=c',
    'tag=b',
    'errors=true&minCost=0.2&minDurationMs=2000',
    'provider=openai&service=shop',
  ])('matches %s', (query) => {
    expect(callKind.matches(one, filter(query))).toBe(true);
  });

  it.each([
    'model=gpt',
    'session=x',
    'tag=ab',
    'minCost=0.21',
    'minDurationMs=2001',
    'user=ann',
    'from=2000',
  ])('does not match %s', (query) => {
    expect(callKind.matches(one, filter(query))).toBe(false);
  });

  it('is a call of a model that states its own usage', () => {
    expect(callKind.matches({ ...one, kind: 'tool' }, filter(''))).toBe(false);
    expect(callKind.matches({ ...one, counts: 'aggregate' }, filter(''))).toBe(false);
  });

  it('without a price is not dearer than any amount', () => {
    expect(callKind.matches({ ...one, cost: null }, filter('minCost=0.01'))).toBe(false);
  });

  it('takes its place in the order that was asked for', () => {
    const calls = [call('a', { cost: 3 }), call('b', { cost: 1 }), call('c', { cost: null })];
    const news = [call('d', { cost: 2, startNano: '9000' })];
    const order = (query: string) =>
      mergeNews(calls, news, filter(query), callKind, { hasOlder: false, bound: 9 }).items.map(
        ({ spanId }) => spanId,
      );
    expect(order('sort=cost')).toEqual(['a', 'd', 'b', 'c']);
    expect(order('')[0]).toBe('d');
  });
});

describe('bars of latency', () => {
  it('share a round scale that one slow call does not set', () => {
    expect(latencyScale(Array.from({ length: 40 }, (_, index) => 1e9 + index * 1e7))).toBe(2e9);
    expect(latencyScale([...Array.from({ length: 40 }, () => 0.9e9), 600e9])).toBe(1e9);
    expect(latencyScale([])).toBe(1e9);
  });

  it('never draw more than there is room, nor a first piece after the end', () => {
    expect(latencyBar(1e9, 0.25e9, 2e9)).toEqual({ first: 0.125, rest: 0.375, isCut: false });
    expect(latencyBar(4e9, 3e9, 2e9)).toEqual({ first: 1, rest: 0, isCut: true });
    expect(latencyBar(1e9, 5e9, 2e9)).toEqual({ first: 0.5, rest: 0, isCut: false });
    expect(latencyBar(1e9, null, 2e9)).toEqual({ first: 0, rest: 0.5, isCut: false });
  });

  it('tell the speed after the first piece', () => {
    const timed = call('1', {
      outputTokens: 90,
      durationNano: '2000000000',
      timeToFirstChunkNano: '500000000',
    });
    expect(tokensPerSecond(timed)).toBe(60);
    expect(tokensPerSecond({ ...timed, outputTokens: null })).toBeNull();
    expect(tokensPerSecond({ ...timed, timeToFirstChunkNano: '2000000000' })).toBeNull();
  });
});
