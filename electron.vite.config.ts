import { globSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { defineConfig } from 'electron-vite'
import { rendererPlugins } from './scripts/renderer-build.ts'
import { fingerprintOfSources } from './src/core/system/code-fingerprint.ts'

/** scripts/program-build.ts gives a folder of its own and then puts it in the place of out/. */
const outFolder = process.env.TUNEWRIGHT_BUILD_FOLDER ?? 'out'
const here = (path: string) => resolve(import.meta.dirname, path)

// Main, preload and the child processes leave as CommonJS: a sandboxed preload cannot be a module, and the same files then
// also run in the old Electron of the test machines (docs/main.md). That one has Node 18.15 and Chromium 114.
const commonJs = (entries: Readonly<Record<string, string>>) => ({
  target: 'node18.15',
  rollupOptions: {
    input: entries,
    output: {
      format: 'cjs' as const,
      entryFileNames: '[name].cjs',
      chunkFileNames: 'chunks/[name]-[hash].cjs',
    },
  },
})

/** Every file directly in src/processes is the entry of a child process or thread, or a part of several. */
const processEntries = Object.fromEntries(
  globSync('src/processes/*.ts', { cwd: import.meta.dirname })
    .map((path) => basename(path, '.ts'))
    .filter((name) => !['backend-environment', 'open-backend', 'parent-port', 'serve-job'].includes(name))
    .map((name) => [`processes/${name}`, here(`src/processes/${name}.ts`)]),
)

/** What has a native part, brings its own files, or cannot be bundled stays a package; all else goes into the bundles. */
const externalizeDeps = {
  exclude: [
    '@huggingface/jinja',
    '@huggingface/tokenizers',
    'chardet',
    'hyparquet-writer',
    'js-yaml',
    'kysely',
    'yauzl',
    'yazl',
    'zod',
  ],
}

export default defineConfig({
  main: {
    define: { TUNEWRIGHT_CODE_SHA256: JSON.stringify(fingerprintOfSources(here('src'))) },
    build: {
      outDir: outFolder,
      externalizeDeps,
      ...commonJs({ 'main/index': here('src/main/index.ts'), ...processEntries }),
    },
  },
  preload: {
    build: { outDir: join(outFolder, 'preload'), ...commonJs({ index: here('src/preload/index.ts') }) },
  },
  renderer: {
    root: 'src/renderer',
    plugins: rendererPlugins(),
    build: {
      outDir: here(join(outFolder, 'renderer')),
      rollupOptions: { input: { index: here('src/renderer/index.html') } },
    },
  },
})
