import { expect, it } from 'vitest';
import { holdsAttributes, toggledFilter, typedAttributeFilter } from './attribute-filter';

it.each([
  ['http.route=/cart', 'http.route=/cart'],
  [' http.route = /cart ', 'http.route=/cart'],
  ['query=a=b', 'query=a=b'],
  ['empty=', 'empty='],
  ['=x', null],
  ['word', null],
  [' =x', null],
])('"%s" is the filter %j', (text, filter) => {
  expect(typedAttributeFilter(text)).toBe(filter);
});

it('comes and goes with the same click', () => {
  expect(toggledFilter(['a=1'], 'b=2')).toEqual(['a=1', 'b=2']);
  expect(toggledFilter(['a=1', 'b=2'], 'a=1')).toEqual(['b=2']);
});

it('holds in the item or its resource', () => {
  const own = [{ key: 'a', value: { intValue: '1' } }];
  const resource = [{ key: 'b', value: { stringValue: 'x' } }];
  expect(holdsAttributes(['a=1', 'b=x'], own, resource)).toBe(true);
  expect(holdsAttributes(['a=2'], own, resource)).toBe(false);
  expect(holdsAttributes([], own)).toBe(true);
});
