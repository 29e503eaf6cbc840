import { expect, it } from 'vitest';
import { levelOf, severityLabel } from './severity';

it.each([
  [0, 'unset'],
  [1, 'trace'],
  [8, 'debug'],
  [9, 'info'],
  [13, 'warn'],
  [17, 'error'],
  [24, 'fatal'],
])('severity number %d is %s', (number, level) => {
  expect(levelOf(number)).toBe(level);
});

it('shows the words of the source before its own', () => {
  expect(severityLabel(17, 'critical')).toBe('CRITICAL');
  expect(severityLabel(17, '')).toBe('ERROR');
  expect(severityLabel(0, ' ')).toBe('–');
});
