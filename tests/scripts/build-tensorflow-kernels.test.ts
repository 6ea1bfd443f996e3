// The build of our own operators: stopped or failed at any moment it leaves what was there, and says why in one line.
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { buildKernels, kernelsSources, needKernelsBuild } from '#core/engines/kernels-build.ts'
import { wholeKernels, writeKernelsFacts } from '#core/engines/tensorflow-kernels.ts'

vi.setConfig({ testTimeout: 60_000 })
const folder = mkdtempSync(join(tmpdir(), 'tunewright-kernels-build-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())
const file = join(folder, 'tunewright_kernels-0.node')
const never = new AbortController().signal

const writeOld = async (sources: string): Promise<void> => {
  writeFileSync(file, 'operators of old')
  await writeKernelsFacts(file, sources)
}

describe('the build', () => {
  test('is needed where the sources are others than those of the file, not where they are the same', async () => {
    expect(needKernelsBuild(file)).toBe(true)
    await writeOld('a'.repeat(64))
    expect(needKernelsBuild(file)).toBe(true)
    await writeOld(kernelsSources())
    expect(needKernelsBuild(file)).toBe(false)
    expect(await buildKernels('/nowhere', never, file)).toBe(null)
    writeFileSync(file, 'damaged')
    expect(needKernelsBuild(file)).toBe(true)
  })

  test.each([
    ['is not there', '/nowhere/g++', 'there is none.'],
    ['is none', '/bin/false', '/bin/false is version'],
    ['is too old', 'old', 'is version 9.'],
  ])(
    'with a compiler that %s says which one is needed, and the file of before stays',
    async (_, given, words) => {
      const old = join(folder, 'old-compiler')
      writeFileSync(old, '#!/bin/sh\necho 9\n', { mode: 0o755 })
      vi.stubEnv('CXX', given === 'old' ? old : given)
      await writeOld('a'.repeat(64))
      const why = await buildKernels('/nowhere', never, file)
      expect(why).toContain('They need the C++ compiler g++, version 11 or newer: ')
      expect(why).toContain(words)
      expect(wholeKernels(file)).not.toBe(null)
    },
  )

  test('that is stopped leaves the file of before, and what is half is gone after the next one', async () => {
    // Takes its time, as a compiler does, and says when it is asked for an object.
    const slow = join(folder, 'slow-compiler')
    const begun = join(folder, 'begun')
    writeFileSync(
      slow,
      `#!/bin/sh\n[ "$1" = -dumpversion ] && echo 12 && exit\n: > ${begun}\nexec sleep 60\n`,
      { mode: 0o755 },
    )
    vi.stubEnv('CXX', slow)
    await writeOld('a'.repeat(64))
    const stop = new AbortController()
    const building = buildKernels('/nowhere', stop.signal, file)
    await vi.waitFor(() => expect(existsSync(begun)).toBe(true), { timeout: 30_000 })
    stop.abort()
    await building
    expect(wholeKernels(file)).not.toBe(null)
    const half = readdirSync(folder).filter((name) => name.includes('.tmp-'))
    expect(half).toHaveLength(1)
    const longAgo = Date.now() / 1000 - 7200
    utimesSync(join(folder, half[0]!), longAgo, longAgo)
    const failing = join(folder, 'failing-compiler')
    writeFileSync(failing, '#!/bin/sh\n[ "$1" = -dumpversion ] && echo 12 && exit\nexit 3\n', { mode: 0o755 })
    vi.stubEnv('CXX', failing)
    expect(await buildKernels('/nowhere', never, file)).toContain('ended with 3.')
    expect(readdirSync(folder).filter((name) => name.includes('.tmp-'))).toEqual([])
    expect(wholeKernels(file)).not.toBe(null)
  })
})
