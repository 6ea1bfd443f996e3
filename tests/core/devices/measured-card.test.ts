// Which of several graphics cards a device is tried out on. The cards are what a script in the place of NVIDIA's tool says; the
// process that computes is the real one, on the processor.
import { expect, test } from 'vitest'
import { checkDevice } from '#core/devices/check-device.ts'
import { createNodeLauncher, type Launcher } from '#core/system/launcher.ts'
import { unwrap } from '#shared/result.ts'
import type { SpeedJob } from '#shared/speed-protocol.ts'
import { putNvidiaSmi } from '../../support/nvidia-smi.ts'
import { freshLibrary } from '../models/places.ts'

test.skipIf(process.platform !== 'linux' || process.arch !== 'x64')(
  'the first that can compute the device is what a measurement and a check are told, as a run is',
  async () => {
    putNvidiaSmi('NVIDIA GeForce GTX 970, 4096 MiB, 590.10, 5.2\nNVIDIA H100, 81559 MiB, 590.10, 9.0')
    const library = freshLibrary()
    const jobs: SpeedJob[] = []
    const real = createNodeLauncher()
    const launcher: Launcher = {
      launch(name) {
        const child = real.launch(name)
        return {
          pid: child.pid,
          kill: () => child.kill(),
          onExit: (listener) => child.onExit(listener),
          onMessage: (listener) => child.onMessage(listener),
          send(message) {
            const { job, ...command } = message as { readonly job: SpeedJob }
            jobs.push(job)
            child.send({ ...command, job: { ...job, device: 'cpu' } })
          },
        }
      },
    }
    unwrap(await checkDevice('tensorflow-cuda', { library, launcher }))
    unwrap(await checkDevice('cpu', { library, launcher }))
    expect(jobs.map(({ device, card }) => [device, card])).toEqual([
      ['tensorflow-cuda', 1],
      ['cpu', undefined],
    ])
  },
)
