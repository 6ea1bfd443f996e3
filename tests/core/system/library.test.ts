import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { temporaryPath } from '../../../src/core/system/durable-files.ts'
import { defaultHome, openLibrary, sweepLibrary } from '../../../src/core/system/library.ts'

test('the next start removes every leftover of an interrupted one and nothing else', () => {
  const home = mkdtempSync(join(tmpdir(), 'tunewright-library-'))
  const library = openLibrary(home)
  const kept = [
    join(library.modelsFolder, 'm-1', 'model.safetensors'),
    join(library.datasetsFolder, 'd-1', 'train.jsonl'),
    join(library.runsFolder, 'run-1', 'checkpoints', 'step-1', 'manifest.json'),
    join(library.cacheFolder, 'gguf', 'model.gguf'),
    // An import under way in another process.
    join(temporaryPath(join(library.modelsFolder, 'm-2')), 'model.safetensors'),
  ]
  const left = [
    temporaryPath(join(library.modelsFolder, 'm-1', 'graph.onnx')),
    temporaryPath(join(library.datasetsFolder, 'd-2')),
    temporaryPath(join(library.runsFolder, 'run-1', 'adapter')),
    temporaryPath(join(library.runsFolder, 'run-1', 'checkpoints', 'step-2')),
    temporaryPath(join(library.cacheFolder, 'proof')),
    temporaryPath(join(library.exportsFolder, 'out')),
  ]
  for (const path of [...kept, ...left]) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, 'x')
  }
  writeFileSync(join(library.runsFolder, 'stray.txt'), 'x')
  expect(sweepLibrary(library).sort()).toEqual(left.sort())
  expect(kept.filter((path) => !existsSync(path))).toEqual([])
  expect(left.filter((path) => existsSync(path))).toEqual([])
  expect(sweepLibrary(library)).toEqual([])
  rmSync(home, { recursive: true, force: true })
})

test.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
  'a leftover that cannot be removed keeps nobody from working',
  () => {
    const home = mkdtempSync(join(tmpdir(), 'tunewright-library-'))
    const library = openLibrary(home)
    const stuck = temporaryPath(join(library.cacheFolder, 'stuck'))
    const gone = temporaryPath(join(library.cacheFolder, 'gone'))
    for (const folder of [stuck, gone]) mkdirSync(folder)
    writeFileSync(join(stuck, 'file'), 'x')
    chmodSync(stuck, 0o500)
    expect(sweepLibrary(library)).toEqual([gone])
    chmodSync(stuck, 0o700)
    expect(sweepLibrary(library)).toEqual([stuck])
    rmSync(home, { recursive: true, force: true })
  },
)

test.skipIf(process.platform !== 'linux')('a home where no folder can be made is refused at once', () => {
  expect(() => openLibrary('/proc/nowhere/below')).toThrow('The file could not be written.')
})

test('a variable set to nothing is no place: the library would lie wherever the command was typed', () => {
  vi.stubEnv('XDG_DATA_HOME', '')
  vi.stubEnv('APPDATA', '')
  expect(isAbsolute(defaultHome())).toBe(true)
  vi.unstubAllEnvs()
})
