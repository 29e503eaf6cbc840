import { describe, expect, it } from 'vitest';
import { chartOf, columnKinds, defaultColumns, toCsv } from './sql-result';

const result = {
  columns: ['minute', 'service', 'spans'],
  rows: [
    ['2026-01-01T10:01:00Z', 'web', 4],
    ['2026-01-01T10:00:00Z', 'web', 2],
    ['2026-01-01T10:00:00Z', 'db', null],
  ],
};

it('quotes CSV where it must', () => {
  expect(
    toCsv({
      columns: ['a', 'b,c'],
      rows: [
        ['say "hi"', null],
        ['two\nlines', 1.5],
      ],
    }),
  ).toBe('a,"b,c"\r\n"say ""hi""",\r\n"two\nlines",1.5\r\n');
});

it('tells times, numbers and text apart', () => {
  expect(columnKinds(result)).toEqual(['time', 'text', 'number']);
  expect(columnKinds({ columns: ['a'], rows: [] })).toEqual(['text']);
});

describe('chart', () => {
  it('draws a number over time, split by the text', () => {
    const columns = defaultColumns(columnKinds(result));
    expect(columns).toEqual({ x: 0, y: 2, by: 1 });
    const chart = chartOf(result, columnKinds(result), columns!);
    expect(chart).toMatchObject({ kind: 'line', low: 0, high: 4, first: '2026-01-01T10:00:00Z' });
    expect(chart.lines).toEqual([
      {
        name: 'web',
        points: [
          { x: 0, y: 0.5 },
          { x: 1, y: 1 },
        ],
      },
    ]);
  });

  it('draws bars over text', () => {
    const rows = {
      columns: ['service', 'spans'],
      rows: [
        ['web', 4],
        ['db', 1],
      ],
    };
    const columns = defaultColumns(columnKinds(rows));
    expect(chartOf(rows, columnKinds(rows), columns!)).toMatchObject({
      kind: 'bar',
      lines: [
        {
          name: 'spans',
          points: [
            { x: 0.25, y: 1 },
            { x: 0.75, y: 0.25 },
          ],
        },
      ],
    });
  });

  it('needs a number', () => {
    expect(defaultColumns(['text', 'time'])).toBeNull();
  });
});
