import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** `types.ts` is made from `openapi.json`, which is made from the hub's code. */
it('are what the OpenAPI document says; otherwise run `npm run types`', () => {
  const check = () => execFileSync('npm', ['run', '--silent', 'types', '--', '--check'], { stdio: 'pipe' });
  expect(check).not.toThrow();
}, 60_000);
