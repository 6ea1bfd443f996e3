// Our own operators tried out in real processes, with the real libraries: what dies, or is no library at all, is not used,
// and the engine computes without it.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { checkDevice } from '#core/devices/check-device.ts'
import { listEngines } from '#core/engines/engine-library.ts'
import { tryKernels } from '#core/engines/kernels-trial.ts'
import {
  kernelsStateOf,
  ownKernels,
  wholeKernels,
  writeKernelsFacts,
} from '#core/engines/tensorflow-kernels.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { hasKernelInstructions } from '#core/system/machine.ts'
import { unwrap } from '#shared/result.ts'
import { hasTensorflow, linkTensorflow } from '../../support/tensorflow-engine.ts'
import { freshLibrary, removeHomes } from './tiny-engine.ts'

// A process each, which loads hundreds of megabytes.
vi.setConfig({ testTimeout: 120_000 })
const folder = mkdtempSync(join(tmpdir(), 'tunewright-kernels-trial-'))
afterAll(() => {
  removeHomes()
  rmSync(folder, { recursive: true, force: true })
})

describe.runIf(hasTensorflow() && hasKernelInstructions())('the trial', () => {
  const never = new AbortController().signal
  const library = freshLibrary()
  const ports = { library, launcher: createNodeLauncher() }
  const engine = join(library.enginesFolder, 'tensorflow')
  beforeAll(async () => {
    await linkTensorflow(library.enginesFolder)
    rmSync(join(engine, 'kernels-trial.json'), { force: true })
  })
  const notice = async () => (await listEngines(library)).find(({ id }) => id === 'tensorflow')?.notice

  test.runIf(wholeKernels())(
    'lets an engine compute with those of this program, and its notice says so',
    async () => {
      expect(await notice()).toMatch(/without Tunewright's own operators.*not tried out with it yet/)
      await tryKernels(ports, never)
      expect(kernelsStateOf(engine).kind).toBe('used')
      expect(await notice()).toBe("It computes with Tunewright's own operators.")
      const checked = unwrap(await checkDevice('tensorflow-cpu', ports))
      expect(checked.backend).toContain("with Tunewright's own operators")
    },
  )

  const file = join(folder, 'tunewright_kernels-0.node')
  /** A library that ends its process when it is loaded, as a second definition of an operator does. */
  const compileDeadly = () => {
    const source = join(folder, 'deadly.cpp')
    writeFileSync(
      source,
      '#include <cstdlib>\nstatic const int end = (std::abort(), 0);\nint used() { return end; }\n',
    )
    const { status, stderr } = spawnSync('g++', ['-shared', '-fPIC', '-o', file, source], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
  }
  const hasCompiler = spawnSync('g++', ['--version']).status === 0

  test.each<[string, () => void, RegExp]>([
    ['are no library', () => writeFileSync(file, 'no program at all'), /cannot be loaded/],
    [
      'were cut',
      () => {
        writeFileSync(file, Buffer.from(existsSync(ownKernels) ? '' : 'none'))
        spawnSync('cp', [ownKernels, file])
        truncateSync(file, 100_000)
      },
      /cannot be loaded|ended|died/,
    ],
    ...(hasCompiler ? [['end their process', compileDeadly, /./] as [string, () => void, RegExp]] : []),
  ])('refuses those that %s: the engine computes without them', async (_, make, why) => {
    make()
    await writeKernelsFacts(file, 'a'.repeat(64))
    await tryKernels(ports, never, { file })
    expect(kernelsStateOf(engine, file)).toMatchObject({ kind: 'refused', why: expect.stringMatching(why) })
    const checked = unwrap(await checkDevice('tensorflow-cpu', ports))
    expect(checked.backend).not.toContain('own operators')
    // Asked again only where a person asks.
    const before = kernelsStateOf(engine, file)
    await tryKernels(
      {
        ...ports,
        launcher: {
          launch: () => {
            throw new Error('nothing is to be tried')
          },
        },
      },
      never,
      { file },
    )
    expect(kernelsStateOf(engine, file)).toEqual(before)
  })
})
