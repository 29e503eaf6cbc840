import { expect, it } from 'vitest';
import { searchSpans, SpanTexts, withAncestors } from './span-search';
import { span } from './test-data';
import { buildTraceTree } from './trace-tree';

const tree = buildTraceTree({
  traceId: 't',
  spans: [
    span('a', null, { name: 'GET /cart' }),
    span('b', 'a', { attributes: [{ key: 'db.system', value: { stringValue: 'PostgreSQL' } }] }),
    span('c', 'b', {
      events: [
        {
          timeUnixNano: '1',
          name: 'exception',
          attributes: [{ key: 'exception.type', value: { stringValue: 'Oops' } }],
        },
      ],
    }),
    span('d', 'a', { status: { code: 'ERROR', message: 'card declined' } }),
  ],
});

it.each([
  ['cart', ['a']],
  ['POSTGRES', ['b']],
  ['db.system=postgresql', ['b']],
  ['exception oops', ['c']],
  ['declined', ['d']],
  ['error', ['d']],
  ['nowhere', []],
  ['  ', []],
])('%s is found in %j', (query, ids) => {
  expect(searchSpans(tree, query, new SpanTexts())).toEqual(ids);
});

it('keeps the way down to what was found', () => {
  expect([...withAncestors(tree, ['c'])].sort()).toEqual(['a', 'b', 'c']);
});
