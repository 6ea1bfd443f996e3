// The self-test of an engine in its real process: TensorFlow's real libraries by links, a part that is garbage, a library
// that was cut. Whatever happens to that process, the program answers in a sentence.
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { tryEngine } from '#core/engines/try-engine.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import type { EngineId } from '#shared/devices.ts'
import { tensorflowFolder } from '../../../scripts/tensorflow-folder.ts'
import { hasTensorflow, linkTensorflow } from '../../support/tensorflow-engine.ts'
import { freshLibrary, removeHomes } from './tiny-engine.ts'

// A process each, which loads hundreds of megabytes.
vi.setConfig({ testTimeout: 120_000 })
afterAll(removeHomes)

const binding = 'tensorflow/lib/napi-v8/tfjs_binding.node'

test.skipIf(existsSync('/proc/driver/nvidia'))(
  'of ONNX Runtime for NVIDIA cards is not done where there is no card, and that is said',
  async () => {
    const library = freshLibrary()
    const ports = { library, launcher: createNodeLauncher() }
    expect(await tryEngine('onnx-cuda', library.enginesFolder, ports, new AbortController().signal)).toEqual({
      ok: true,
      value: 'It could not be tried out here: no NVIDIA card was found.',
    })
  },
)

describe.skipIf(!hasTensorflow())('the self-test', () => {
  const tried = async (prepare: (enginesFolder: string) => void, id: EngineId = 'tensorflow') => {
    const library = freshLibrary()
    prepare(library.enginesFolder)
    const ports = { library, launcher: createNodeLauncher() }
    return tryEngine(id, library.enginesFolder, ports, new AbortController().signal)
  }

  test('computes a step with the real libraries', async () => {
    expect(await tried(linkTensorflow)).toEqual({ ok: true, value: null })
  })

  test.skipIf(existsSync('/proc/driver/nvidia'))(
    'of the engine for NVIDIA cards is done on the processor where there is no card',
    async () => {
      const result = await tried((folder) => {
        mkdirSync(join(folder, 'tensorflow-cuda'))
        for (const name of ['lib', 'deps'])
          symlinkSync(join(tensorflowFolder, name), join(folder, 'tensorflow-cuda', name))
      }, 'tensorflow-cuda')
      expect(result).toEqual({
        ok: true,
        value: 'It was tried out on the processor only: no NVIDIA card was found.',
      })
    },
  )

  test.each<[string, (folder: string) => void]>([
    [
      'a part that is garbage',
      (folder) => {
        mkdirSync(join(folder, 'tensorflow/lib/napi-v8'), { recursive: true })
        writeFileSync(join(folder, binding), 'no program at all')
      },
    ],
    [
      'a library that was cut, whose loading kills the process',
      (folder) => {
        const lib = join(folder, 'tensorflow/deps/lib')
        mkdirSync(lib, { recursive: true })
        mkdirSync(join(folder, 'tensorflow/lib/napi-v8'), { recursive: true })
        copyFileSync(join(tensorflowFolder, 'lib/napi-v8/tfjs_binding.node'), join(folder, binding))
        symlinkSync(
          join(tensorflowFolder, 'deps/lib/libtensorflow_cc.so.2'),
          join(lib, 'libtensorflow_cc.so.2'),
        )
        const whole = readFileSync(join(tensorflowFolder, 'deps/lib/libtensorflow_framework.so.2'))
        writeFileSync(join(lib, 'libtensorflow_framework.so.2'), whole.subarray(0, whole.length / 2))
      },
    ],
  ])('says so of %s, and the engine is not kept', async (_, prepare) => {
    const result = await tried(prepare)
    expect(result).toMatchObject({
      ok: false,
      problem: {
        code: 'engine.damaged',
        message: expect.stringMatching(
          /^TensorFlow was fetched, but does not work on this computer, so it was not kept\. ./,
        ),
        where: 'engines/tensorflow',
        remedy: expect.stringContaining('Runs are computed with what comes with the program'),
      },
    })
  })
})
