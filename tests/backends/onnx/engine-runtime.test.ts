// An engine's own copy of the runtime, made as it is made when the engine is added. There is no card here: what is shown is
// that this copy, and no other, is in the process, and that NVIDIA's libraries of the engine would be.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { besideParts } from '#core/engines/beside-parts.ts'

const root = join(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'tunewright-engine-runtime-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.skipIf(process.platform !== 'linux')(
  'is the only one in its process (the program’s own was loaded first, and looked for CUDA beside itself)',
  async () => {
    const parts = besideParts({ beside: 'onnxruntime-node', id: 'onnx-cuda' })
    await parts.make(folder, new AbortController().signal)
    // Any library does as one of NVIDIA's; this one is in every process, under another name.
    const any = /\/\S+\/libm[.-]\S*so\S*/.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0] ?? ''
    mkdirSync(join(folder, 'cuda'))
    const stays = join(folder, 'cuda', 'libcublas.so.13')
    copyFileSync(any, stays)
    const child = join(import.meta.dirname, 'engine-runtime-child.ts')
    const said = execFileSync(join(root, 'node_modules/.bin/node'), [child, folder], { encoding: 'utf8' })
    const { name, libraries } = JSON.parse(said) as { name: string; libraries: string[] }
    expect(name).toMatch(/^onnxruntime-node 1\.\d+\.\d+ cpu/)
    const runtimes = libraries.filter((path) => path.includes('libonnxruntime.so'))
    expect(runtimes).toEqual([
      join(folder, 'node_modules/onnxruntime-node/bin/napi-v6/linux', process.arch, 'libonnxruntime.so.1'),
    ])
    expect(libraries).toContain(stays)
  },
)
