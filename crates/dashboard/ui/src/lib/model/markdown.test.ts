import { describe, expect, it } from 'vitest';
import { LONGEST, linkTarget, parseMarkdown, withoutData, type Block, type Inline } from './markdown';

const inline = (text: string) => {
  const [block] = parseMarkdown(text) ?? [];
  return block?.type === 'paragraph' ? block.children : [];
};
/** Every type of node in a tree. */
const types = (nodes: readonly (Block | Inline)[]): string[] =>
  nodes.flatMap((node) => [
    node.type,
    ...('children' in node ? types(node.children) : []),
    ...('blocks' in node ? types(node.blocks) : []),
    ...('items' in node ? node.items.flatMap(types) : []),
    ...('rows' in node ? [...node.head, ...node.rows.flat()].flatMap(types) : []),
  ]);

it('reads what models write', () => {
  const blocks = parseMarkdown(
    '# Title\n\ntext **bold** `code`\nline\n\n1. one\n   - deep\n2. two\n\n> said\n\n---',
  );
  expect(types(blocks ?? [])).toEqual([
    'heading', 'text',
    'paragraph', 'text', 'strong', 'text', 'text', 'code', 'break', 'text',
    'list', 'paragraph', 'text', 'list', 'paragraph', 'text', 'paragraph', 'text',
    'quote', 'paragraph', 'text',
    'rule',
  ]); // prettier-ignore
});

it('reads tables and code with its language', () => {
  expect(parseMarkdown('| a | b |\n|---|---|\n| 1 | **2** |')).toEqual([
    {
      type: 'table',
      head: [[{ type: 'text', text: 'a' }], [{ type: 'text', text: 'b' }]],
      rows: [[[{ type: 'text', text: '1' }], [{ type: 'strong', children: [{ type: 'text', text: '2' }] }]]],
    },
  ]);
  expect(parseMarkdown('```rust ignore\nfn main() {}\n```\nafter')?.[0]).toEqual({
    type: 'code',
    text: 'fn main() {}',
    language: 'rust',
  });
});

describe('hostile text', () => {
  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    'a <b onclick="x()">b</b>',
    '<!-- <script> -->',
  ])('%s stays text', (text) => {
    expect(inline(text)).toEqual([{ type: 'text', text }]);
  });

  it.each([
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert)',
    '[x](data:text/html,hi)',
    '[x](file:///etc/passwd)',
    '[x](/traces)',
    '![x](data:image/svg+xml,hi)',
    '<javascript:alert(1)>',
  ])('%s is no link', (text) => {
    expect(types(parseMarkdown(text) ?? [])).not.toContain('link');
    expect(types(parseMarkdown(text) ?? [])).not.toContain('image');
  });

  it('has pictures as addresses, never as pictures', () => {
    expect(inline('![cat](https://evil.example/cat.png?u=1)')).toEqual([
      { type: 'image', href: 'https://evil.example/cat.png?u=1', alt: 'cat' },
    ]);
  });

  it('that is too long or too deep is not parsed, rather than parsed in part', () => {
    expect(parseMarkdown('a'.repeat(LONGEST + 1))).toBeNull();
    expect(parseMarkdown(`${'> '.repeat(200)}deep`)).toBeNull();
    expect(parseMarkdown(`${'*a **b '.repeat(200)}`)).not.toBeNull();
  });

  it.each([
    '*_'.repeat(20_000),
    '['.repeat(50_000),
    '`'.repeat(50_000),
    '<'.repeat(50_000),
    '![]('.repeat(20_000),
  ])('does not take long', (text) => {
    const start = performance.now();
    parseMarkdown(text);
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});

it('names pictures that stand in the text by their size', () => {
  expect(withoutData(`see data:image/png;base64,${'A'.repeat(400)} here`)).toBe(
    'see [image/png, 300 bytes] here',
  );
});

it('tells where a link leads, whatever its text says', () => {
  expect(linkTarget('https://user@evil.example:8443/https://bank.example')).toBe('evil.example:8443');
  expect(linkTarget('mailto:ann@example.org')).toBe('ann@example.org');
});
