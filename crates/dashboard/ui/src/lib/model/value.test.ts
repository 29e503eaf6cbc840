import { describe, expect, it } from 'vitest';
import type { AnyValue } from '../api/types';
import { attributesToJson, attributeText, showValue } from './value';

describe('showValue', () => {
  it.each<[AnyValue, string, string]>([
    [{ stringValue: 'GET' }, 'string', 'GET'],
    [{ stringValue: '' }, 'string', ''],
    [{ boolValue: false }, 'bool', 'false'],
    [{ intValue: '42' }, 'int', '42'],
    [{ intValue: '9223372036854775807' }, 'int', '9223372036854775807'],
    [{ doubleValue: 0.5 }, 'double', '0.5'],
    [{ doubleValue: 'NaN' }, 'double', 'NaN'],
    [{ bytesValue: 'AQI=' }, 'bytes', 'AQI='],
    [{ arrayValue: { values: [{ stringValue: 'a' }, { intValue: '1' }] } }, 'array', '["a",1]'],
    [{ arrayValue: {} }, 'array', '[]'],
    [{ kvlistValue: { values: [{ key: 'a', value: { boolValue: true } }] } }, 'map', '{"a":true}'],
    [{}, 'empty', ''],
  ])('%j is %s %s', (value, type, text) => {
    expect(showValue(value)).toEqual({ type, text, block: false });
  });

  it('indents JSON inside a string', () => {
    expect(showValue({ stringValue: '{"a":1}' })).toEqual({
      type: 'string',
      text: '{\n  "a": 1\n}',
      block: true,
    });
  });

  it('leaves text that only looks like JSON as it is', () => {
    expect(showValue({ stringValue: '[not json' })).toEqual({
      type: 'string',
      text: '[not json',
      block: false,
    });
  });

  it('gives long text and text of several lines a block', () => {
    expect(showValue({ stringValue: 'a\nb' }).block).toBe(true);
    expect(showValue({ stringValue: 'x'.repeat(200) }).block).toBe(true);
  });
});

describe('attributes', () => {
  const attributes = [{ key: 'http.method', value: { stringValue: 'GET' } }, { key: 'nothing' }];

  it('are found by key', () => {
    expect(attributeText(attributes, 'http.method')).toBe('GET');
    expect(attributeText(attributes, 'absent')).toBeNull();
  });

  it('become a JSON object', () => {
    expect(attributesToJson(attributes)).toEqual({ 'http.method': 'GET', nothing: null });
  });
});
