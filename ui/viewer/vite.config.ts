// SPDX-License-Identifier: Apache-2.0
// How the page around browser desktops is built: into dist/viewer, under names that kerbside-html5proxy writes into its pages. The
// VNC client is a file of its own, which SPICE desktops do not load.
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  publicDir: false,
  build: {
    outDir: '../../dist/viewer',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: `${import.meta.dirname}/src/main.ts`,
      output: {
        entryFileNames: 'viewer.js',
        chunkFileNames: '[name].js',
        assetFileNames: 'viewer[extname]',
      },
    },
    license: { fileName: 'licenses.md' },
  },
});
