import { describe, expect, it } from 'vitest';
import { formatAge, formatClock, formatDuration, formatIso, parseDurationMs, parseNanos } from './time';

describe('formatDuration', () => {
  it.each([
    [0, '0'],
    [1, '1ns'],
    [850, '850ns'],
    [999.6, '1µs'],
    [1_000, '1µs'],
    [12_340, '12.3µs'],
    [999_600, '1ms'],
    [12_345_678, '12.3ms'],
    [250e6, '250ms'],
    [999.96e6, '1s'],
    [1.234e9, '1.23s'],
    [59.94e9, '59.9s'],
    [59.999e9, '1m 00s'],
    [123e9, '2m 03s'],
    [3_599.9e9, '1h 00m'],
    [11_100e9, '3h 05m'],
    [187_200e9, '2d 4h'],
    [-1_500, '-1.5µs'],
  ])('%d ns is %s', (duration, text) => {
    expect(formatDuration(duration)).toBe(text);
  });
});

describe('parseDurationMs', () => {
  it.each([
    ['250', 250],
    ['250ms', 250],
    ['1.5 s', 1_500],
    ['500us', 0.5],
    ['2m', 120_000],
    ['', null],
    ['fast', null],
    ['-1s', null],
  ])('%s is %s', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });
});

describe('time stamps', () => {
  it('keep nanoseconds that a number would lose', () => {
    expect(parseNanos('1785585789120000457')).toBe(1785585789120000457n);
    expect(formatIso(1785585789120000457n)).toMatch(/\.120000457[+-]\d\d:\d\d$/);
    expect(formatClock(1785585789120000457n)).toMatch(/^\d\d:\d\d:\d\d\.120$/);
  });

  it('of hostile text are unknown', () => {
    expect(parseNanos('12e3')).toBe(0n);
    expect(parseNanos(undefined)).toBe(0n);
  });

  it.each([
    [0, 'now'],
    [999, 'now'],
    [1_000, '1s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [7_200_000, '2h'],
    [172_800_000, '2d'],
    [-1_500, 'now'],
    [-65_000, 'in 1m'],
  ])('%d ms ago is %s', (ageMs, text) => {
    expect(formatAge(1_000_000_000_000_000_000n - BigInt(ageMs) * 1_000_000n, 1_000_000_000_000)).toBe(text);
  });
});
