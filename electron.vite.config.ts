import { resolve } from 'node:path'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'electron-vite'

// Main and preload leave as CommonJS: a sandboxed preload cannot be a module, and the same files then also run in the
// old Electron of the test machines (../shared/design/toolchain.md, section 2).
const commonJs = (entry: string) => ({
  rollupOptions: {
    input: { index: resolve(import.meta.dirname, entry) },
    output: { format: 'cjs' as const, entryFileNames: '[name].cjs' },
  },
})

export default defineConfig({
  main: { build: { outDir: 'out/main', ...commonJs('src/main/index.ts') } },
  preload: { build: { outDir: 'out/preload', ...commonJs('src/preload/index.ts') } },
  renderer: {
    root: 'src/renderer',
    plugins: [vue()],
    build: {
      outDir: resolve(import.meta.dirname, 'out/renderer'),
      rollupOptions: { input: { index: resolve(import.meta.dirname, 'src/renderer/index.html') } },
    },
  },
})
