import { expect, it } from 'vitest';
import type { ExporterStatus } from '../api/types';
import { queueFill, sortExporters } from './status';

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
