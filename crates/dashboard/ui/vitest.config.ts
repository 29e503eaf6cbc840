import { defineConfig } from 'vitest/config';

// Apart from vite.config.ts, so that a build needs no development dependency.
export default defineConfig({ test: { include: ['src/**/*.test.ts'], environment: 'node' } });
