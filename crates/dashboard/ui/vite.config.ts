import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The output folder is the caller's choice: `vite build --outDir DIR`. A cargo build points it into its own output.
export default defineConfig({
  plugins: [svelte()],
  base: '/',
  build: {
    emptyOutDir: true,
    target: 'es2022',
    // Everything the page needs comes from the hub itself; inlined data URLs would need a laxer content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { '/api': 'http://127.0.0.1:3000', '/v1': 'http://127.0.0.1:3000' },
  },
});
