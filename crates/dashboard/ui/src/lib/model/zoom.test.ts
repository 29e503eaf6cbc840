import { expect, it } from 'vitest';
import { nanos } from './time';
import { barIn, readZoom, scaleZoom, writeZoom, zoomAround, zoomTo } from './zoom';

const total = nanos(1_000);

it('reads and writes the URL', () => {
  expect(readZoom('100-300', total)).toEqual({ start: 100, end: 300 });
  expect(writeZoom(readZoom('100-300', total))).toBe('100-300');
  for (const text of [null, '', 'x', '300', '5-5', '0-1000', '2000-3000'])
    expect(readZoom(text, total)).toBeNull();
});

it('keeps to the trace, whichever way it is dragged', () => {
  expect(zoomTo(300, 100, total)).toEqual({ start: 100, end: 300 });
  expect(zoomTo(900, 5_000, total)).toEqual({ start: 900, end: 1_000 });
});

it('gives a span room', () => {
  expect(zoomAround(nanos(500), nanos(100), total)).toEqual({ start: 490, end: 610 });
});

it('scales around its middle', () => {
  const window = zoomTo(400, 600, total)!;
  expect(scaleZoom(window, 0.5, total)).toEqual({ start: 450, end: 550 });
  expect(scaleZoom(window, 20, total)).toBeNull();
});

it('cuts bars at the window', () => {
  const window = zoomTo(100, 200, total)!;
  expect(barIn(0, 150, window)).toEqual({ left: 0, width: 50, label: 'after' });
  expect(barIn(150, 900, window)).toEqual({ left: 50, width: 50, label: 'before' });
  expect(barIn(0, 1_000, window)).toEqual({ left: 0, width: 100, label: 'inside' });
  expect(barIn(300, 10, window)).toBeNull();
  expect(barIn(0, 50, window)).toBeNull();
});

it('draws a trace without duration over the whole row', () => {
  expect(barIn(0, 0, { start: nanos(0), end: nanos(0) })).toEqual({ left: 0, width: 100, label: 'inside' });
});
