import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

/** Folders of `lib/components` that know one domain each; they may use `shared`, never one another. */
const domains = [
  'traces',
  'trace',
  'logs',
  'metrics',
  'services',
  'errors',
  'profiles',
  'sql',
  'status',
  'llm',
];

const oneDomain = (domain) => {
  // A trace shows its logs and its calls of models: the only arrows between domains.
  const shown = domain === 'trace' ? ['logs', 'llm'] : [];
  const others = domains.filter((other) => other !== domain && !shown.includes(other));
  return {
    files: [`src/lib/components/${domain}/**`],
    rules: { 'no-restricted-imports': ['error', { patterns: others.map((other) => `../${other}/*`) }] },
  };
};

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'src/lib/api/types.ts'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'] } },
  },
  {
    rules: {
      'no-undef': 'off', // TypeScript knows better.
      // Controllers replace sets and URLs whole ($state.raw) or keep them for themselves on purpose.
      'svelte/prefer-svelte-reactivity': 'off',
      'max-lines': ['error', { max: 500, skipBlankLines: false }],
      eqeqeq: 'error',
    },
  },
  // A test that finds nothing where it takes something for granted fails, as it should.
  { files: ['src/**/*.test.ts'], rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
  { files: ['src/lib/components/**/*.svelte', 'src/views/*.svelte'], rules: { 'max-lines': ['error', 300] } },
  {
    files: ['src/lib/model/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: ['svelte', 'svelte/*', '../state/*', '../components/*'] },
      ],
    },
  },
  ...domains.map(oneDomain),
  {
    files: ['src/lib/components/shared/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: domains.map((domain) => `../${domain}/*`) }] },
  },
);
