// SPDX-License-Identifier: Apache-2.0
// How the admin UI is built: into dist/ui, by relative paths, so that it works below any path of a proxy. No file is put
// into the page or a script as data: the Content-Security-Policy allows none.
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  build: {
    outDir: '../dist/ui',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      // Parts of React's servers mark their modules so; here is none.
      onLog: (level, log, handler) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handler(level, log);
      },
    },
    license: { fileName: 'licenses.md' },
  },
});
