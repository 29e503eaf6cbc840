import { expect, it } from 'vitest';
import type { ExporterStatus } from '../api/types';
import { isDelivered, lossesOf, outcomeInWords, queueFill, sortExporters } from './status';

const exporter = (id: string, state: ExporterStatus['state']) => ({ id, state }) as ExporterStatus;

it('puts failing exporters first', () => {
  const sorted = sortExporters([exporter('b', 'idle'), exporter('a', 'healthy'), exporter('c', 'failing')]);
  expect(sorted.map(({ id }) => id)).toEqual(['c', 'a', 'b']);
});

it('knows how full a queue is, also when there is none', () => {
  expect(queueFill({ queueSize: 5, queueCapacity: 10 })).toBe(0.5);
  expect(queueFill({ queueSize: 20, queueCapacity: 10 })).toBe(1);
  expect(queueFill({ queueSize: 0, queueCapacity: 0 })).toBe(0);
});

it('tells losses by cause where the hub does', () => {
  const counts = { failedItems: 2, droppedItems: 0 } as ExporterStatus;
  expect(lossesOf(counts)).toEqual([
    { cause: 'failed', items: 2 },
    { cause: 'dropped', items: 0 },
  ]);
  const dropped = [
    { cause: 'queue full', items: 3 },
    { cause: 'too large', items: 0 },
  ];
  expect(lossesOf({ ...counts, dropped })).toEqual([{ cause: 'queue full', items: 3 }]);
});

it.each([
  ['delivered', 'Delivered', true],
  ['retry', 'Not taken now', false],
  ['something new', 'something new', false],
])('a test that was %s is told as "%s"', (outcome, words, reached) => {
  expect(outcomeInWords(outcome)).toBe(words);
  expect(isDelivered(outcome)).toBe(reached);
});
