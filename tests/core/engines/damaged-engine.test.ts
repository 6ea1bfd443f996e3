// An engine that is there: what counts as damaged, however its folder came to be so, and that adding it again mends it.
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { discardFolder, removeEngine } from '#core/engines/engine-library.ts'
import { engineDamage, engineDamageByHash } from '#core/engines/engine-manifest.ts'
import { type Problem, ProblemError, unwrap } from '#shared/result.ts'
import {
  addTiny,
  freshLibrary,
  hasEngine,
  makeTinyEngine,
  placesIn,
  removeHomes,
  type Told,
} from './tiny-engine.ts'

vi.setConfig({ testTimeout: 120_000 })

const tiny = makeTinyEngine()
afterAll(removeHomes)

describe('an engine that is there', () => {
  const added = async () => {
    const library = freshLibrary()
    const file = join(library.home, 'brought.whl')
    writeFileSync(file, tiny.wheel)
    unwrap(await addTiny(tiny, library, { files: [file] }))
    return { library, file, folder: placesIn(library).folder }
  }

  it('with a file cut is damaged in a sentence, and is whole when it was added again', async () => {
    const { library, file, folder } = await added()
    writeFileSync(join(folder, 'cuda/libtiny.so'), 'cut')
    expect(await engineDamage(folder, tiny.pack)).toMatchObject({
      code: 'engine.damaged',
      message: expect.stringMatching(/cuda\/libtiny\.so has 3 bytes instead of 2000000/),
      remedy: expect.stringContaining('tunewright engines add onnx-cuda'),
    })
    unwrap(await addTiny(tiny, library, { files: [file] }))
    expect(await engineDamageByHash(folder, tiny.pack)).toBe(null)
    expect(readdirSync(library.enginesFolder)).toEqual(['onnx-cuda'])
  })

  it('with a bit turned is found by reading every byte', async () => {
    const { folder } = await added()
    const path = join(folder, 'cuda/libtiny.so')
    const bytes = readFileSync(path)
    bytes.writeUInt8(bytes.readUInt8(77) ^ 4, 77)
    writeFileSync(path, bytes)
    expect(await engineDamage(folder, tiny.pack)).toBe(null)
    expect(await engineDamageByHash(folder, tiny.pack)).toMatchObject({ code: 'engine.damaged' })
    // From then on the list knows it, until it is found whole again.
    expect(await engineDamage(folder, tiny.pack)).toMatchObject({
      message: expect.stringContaining('Reading every byte found other content'),
    })
    bytes.writeUInt8(bytes.readUInt8(77) ^ 4, 77)
    writeFileSync(path, bytes)
    expect(await engineDamageByHash(folder, tiny.pack)).toBe(null)
    expect(await engineDamage(folder, tiny.pack)).toBe(null)
  })

  it('with a bit turned is replaced by adding it again, which reads every byte', async () => {
    const { library, file, folder } = await added()
    const path = join(folder, 'cuda/libtiny.so')
    const bytes = readFileSync(path)
    bytes.writeUInt8(bytes.readUInt8(77) ^ 4, 77)
    writeFileSync(path, bytes)
    const told: Told[] = []
    unwrap(await addTiny(tiny, library, { files: [file], told }))
    expect(told.find(({ done }) => done > 0)?.phase).toBe('Checking ONNX Runtime for NVIDIA cards')
    expect(told.some(({ phase }) => phase.startsWith('Unpacking'))).toBe(true)
    expect(await engineDamageByHash(folder, tiny.pack)).toBe(null)
    expect(readdirSync(library.enginesFolder)).toEqual(['onnx-cuda'])
  })

  const listOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
  const oneFile = { sizeBytes: 0, sha256: '0'.repeat(64) }
  it.each<[string, (list: ReturnType<typeof listOf>) => unknown, RegExp]>([
    ['no files', (list) => ({ ...list, files: {} }), /cuda\/libtiny\.so is not in its list/],
    ['another engine', (list) => ({ ...list, id: 'tensorflow' }), /is that of tensorflow/],
    [
      'other sizes than published',
      (list) => ({
        ...list,
        files: { ...list.files, 'cuda/libtiny.so': { ...list.files['cuda/libtiny.so'], sizeBytes: 1 } },
      }),
      /listed with 1 bytes; it was published with 2000000/,
    ],
    ...['../x', 'cuda/../../x', '/etc/hostname', 'cuda//x', 'C:\\x'].map(
      (name): [string, (list: ReturnType<typeof listOf>) => unknown, RegExp] => [
        `a place outside: ${name}`,
        (list) => ({ ...list, files: { ...list.files, [name]: oneFile } }),
        /which is none of its files/,
      ],
    ),
  ])('whose list says %s is damaged', async (_, change, words) => {
    const { folder } = await added()
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(change(listOf(folder))))
    const damage = await engineDamage(folder, tiny.pack)
    expect(damage).toMatchObject({ code: 'engine.damaged', message: expect.stringMatching(words) })
    expect(await engineDamageByHash(folder, tiny.pack)).toEqual(damage)
  })

  it.skipIf(process.platform === 'win32')(
    'whose list is a pipe, a link or endless is damaged, and nobody waits for it',
    async () => {
      const { folder } = await added()
      const list = join(folder, 'manifest.json')
      renameSync(list, join(folder, 'elsewhere.json'))
      symlinkSync('elsewhere.json', list)
      expect(await engineDamage(folder, tiny.pack)).toMatchObject({ code: 'engine.damaged' })
      rmSync(list)
      execFileSync('mkfifo', [list])
      expect(await engineDamage(folder, tiny.pack)).toMatchObject({ code: 'engine.damaged' })
      rmSync(list)
      renameSync(join(folder, 'elsewhere.json'), list)
      expect(await engineDamage(folder, tiny.pack)).toBe(null)
      truncateSync(list, 8_000_000_000)
      expect(await engineDamage(folder, tiny.pack)).toMatchObject({ code: 'engine.damaged' })
    },
  )

  it.skipIf(process.platform === 'win32')(
    'that is a link is damaged; only the link goes, and nothing is freed',
    async () => {
      const { library, file, folder } = await added()
      const elsewhere = join(library.home, 'elsewhere')
      renameSync(folder, elsewhere)
      symlinkSync(elsewhere, folder)
      expect(await engineDamage(folder, tiny.pack)).toMatchObject({
        message: expect.stringContaining('It is a link, not a folder of ours.'),
      })
      expect(unwrap(await removeEngine(library, 'onnx-cuda'))).toEqual({ freedBytes: 0, wasLink: true })
      expect(hasEngine(library)).toBe(false)
      symlinkSync(elsewhere, folder)
      unwrap(await addTiny(tiny, library, { files: [file] }))
      expect(lstatSync(folder).isDirectory()).toBe(true)
      expect(await engineDamageByHash(elsewhere, tiny.pack)).toBe(null)
    },
  )

  it('of another version or without its list is damaged', async () => {
    const { folder } = await added()
    expect(await engineDamage(folder, { ...tiny.pack, version: '9' })).toMatchObject({
      message: expect.stringContaining('of version 1.30.0; this program uses 9'),
    })
    writeFileSync(join(folder, 'manifest.json'), '{')
    expect(await engineDamage(folder, tiny.pack)).toMatchObject({ code: 'engine.damaged' })
  })

  it('that is damaged and in use is not replaced under its user', async () => {
    const { library, file, folder } = await added()
    writeFileSync(join(folder, 'cuda/libtiny.so'), 'cut')
    const inUse: Problem = { code: 'run.active', message: 'm', where: 'w', remedy: 'r' }
    const requireAtRest = () => {
      throw new ProblemError(inUse)
    }
    expect(await addTiny(tiny, library, { files: [file], requireAtRest })).toEqual({
      ok: false,
      problem: inUse,
    })
    expect(existsSync(folder)).toBe(true)
    await discardFolder(folder)
    expect(readdirSync(library.enginesFolder)).toEqual([])
  })
})
