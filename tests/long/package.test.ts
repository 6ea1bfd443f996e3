// The packed program: what is in it and what is not, its fuses, and that it runs as packed. On this kind of machine it is
// packed around the old test Electron (docs/main.md); archive and fuses are read, and a second package without them, which
// a test can look into, is started.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extractFile, listPackage, statFile } from '@electron/asar'
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses'
import { _electron as electron } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tensorflowVersion } from '#core/engines/engine-packs.ts'
import { kernelsVersion, wholeKernels } from '#core/engines/tensorflow-kernels.ts'
import { ensureBuilt } from '../../scripts/program-build.ts'
import { findWindowMachine, openScreen } from '../support/electron.ts'
import { hasTensorflow } from '../support/tensorflow-engine.ts'

const root = join(import.meta.dirname, '../..')
const machine = findWindowMachine()
const limitMs = 300_000

describe.skipIf(machine === null)('the packed program', { timeout: limitMs }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tunewright-packed-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  beforeAll(async () => {
    const fault = await ensureBuilt()
    if (fault !== null) throw new Error(fault)
  }, limitMs)

  const pack = (name: string, ...options: string[]): string => {
    const output = join(folder, name)
    const parameters = ['--dir', '--electron', machine!.electronFolder, '--output', output]
    execFileSync(process.execPath, [join(root, 'scripts/package.ts'), ...parameters, ...options], {
      stdio: 'ignore',
    })
    return join(output, 'linux-unpacked')
  }

  test('holds the bundles, the samples and the native parts of this system only, and its fuses are set', async () => {
    const packed = pack('real')
    const archive = join(packed, 'resources/app.asar')
    const files = listPackage(archive, { isPack: false })
    const top = [...new Set(files.map((path) => path.split('/')[1]))].sort()
    expect(top).toEqual(['LICENSE', 'node_modules', 'out', 'package.json', 'resources'])
    expect(JSON.parse(String(extractFile(archive, 'package.json'))).main).toBe('out/main/index.cjs')
    const packages = new Set(files.map((path) => /^\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]))
    for (const name of ['zod', 'kysely', 'commander', 'electron', 'vue', 'vitest'])
      expect(packages).not.toContain(name)
    expect(files.filter((path) => /\.(map|ts)$/.test(path))).toEqual([])
    const natives = files.filter((path) => /\.(node|so|so\.\d+|dylib|dll)$/.test(path))
    expect(natives.length).toBeGreaterThan(3)
    expect(natives.filter((path) => /darwin|win32|arm64|mac-|win-|musl/.test(path))).toEqual([])
    // TensorFlow is added without a compiler: what connects it goes along, its libraries do not.
    const binding = `/resources/engines/linux-x64/tfjs_binding-${tensorflowVersion}.node`
    if (hasTensorflow()) expect(natives).toContain(binding)
    const kernels = `/resources/engines/linux-x64/tunewright_kernels-${kernelsVersion}.node`
    if (hasTensorflow()) {
      expect(natives).toContain(kernels)
      // What tells that they are whole lies beside them, not in the archive.
      expect(wholeKernels(join(packed, 'resources/app.asar.unpacked', kernels))).not.toBe(null)
    }
    expect(natives.filter((path) => /libtensorflow|nvidia|cuda/.test(path))).toEqual([])
    expect(files.filter((path) => /^\/node_modules\/(node-gyp|@tensorflow)\//.test(path))).toEqual([])
    for (const path of natives) {
      expect(statFile(archive, path.slice(1))).toMatchObject({ unpacked: true })
      expect(existsSync(join(packed, 'resources/app.asar.unpacked', path))).toBe(true)
    }
    const fuses = await getCurrentFuseWire(join(packed, 'tunewright'))
    const expected: [FuseV1Options, FuseState][] = [
      [FuseV1Options.RunAsNode, FuseState.DISABLE],
      [FuseV1Options.EnableCookieEncryption, FuseState.ENABLE],
      [FuseV1Options.EnableNodeOptionsEnvironmentVariable, FuseState.DISABLE],
      [FuseV1Options.EnableNodeCliInspectArguments, FuseState.DISABLE],
      [FuseV1Options.EnableEmbeddedAsarIntegrityValidation, FuseState.ENABLE],
      [FuseV1Options.OnlyLoadAppFromAsar, FuseState.ENABLE],
      [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot, FuseState.DISABLE],
    ]
    for (const [fuse, state] of expected) expect([fuse, fuses[fuse]]).toEqual([fuse, state])
  })

  test('opens its window, from the folder it was packed into', async () => {
    const packed = pack('open', '--open-for-tests')
    const screen = await openScreen()
    const userData = join(folder, 'user')
    mkdirSync(userData)
    const { NODE_OPTIONS: _forNode, ...inherited } = process.env
    try {
      const app = await electron.launch({
        executablePath: join(packed, 'tunewright'),
        args: ['--no-sandbox', '--disable-gpu', `--user-data-dir=${userData}`],
        env: {
          ...(inherited as Record<string, string>),
          DISPLAY: screen.display,
          TUNEWRIGHT_HOME: join(folder, 'home'),
          TUNEWRIGHT_CORE_NODE: process.execPath,
        },
      })
      const page = await app.firstWindow()
      await page.getByRole('heading', { level: 1 }).waitFor()
      expect(await app.evaluate(({ app: electronApp }) => electronApp.isPackaged)).toBe(true)
      expect(page.url()).toMatch(/^app:\/\/tunewright\//)
      await app.close()
    } finally {
      screen.close()
    }
  })
})
