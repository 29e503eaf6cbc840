import { expect, it } from 'vitest';
import { levelOf, severityFrom, severityLabel } from './severity';

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

it.each([
  ['WARN', 13],
  ['warning', 13],
  ['Error', 17],
  ['CRITICAL', 21],
  ['17', 17],
  ['99', 0],
  ['', 0],
])('"%s" begins at %d', (text, from) => {
  expect(severityFrom(text)).toBe(from);
});
