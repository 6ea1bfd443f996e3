// One device tried out in a process of its own: whatever happens to that process is an answer, never an accident.
import { deviceName } from '#shared/device-names.ts'
import type { DeviceId } from '#shared/devices.ts'
import { attemptAsync, type Problem, type Result, unwrap } from '#shared/result.ts'
import { type SpeedEvent, type SpeedJob, speedEvent } from '#shared/speed-protocol.ts'
import { defaultSilenceMs, runChildJob } from '../proof/child-job.ts'
import type { Launcher } from '../system/launcher.ts'
import type { Library } from '../system/library.ts'
import { describeMachine } from '../system/machine.ts'
import { inWorkFolder } from '../system/work-folder.ts'
import { readGraphicsOfComputer } from './graphics-cards.ts'
import { cardsOf } from './graphics-cards-in-use.ts'

/** What is needed to try a device out. */
export interface DevicePorts {
  readonly library: Library
  readonly launcher: Launcher
}

interface Asked {
  readonly device: DeviceId
  readonly task: SpeedJob['task']
  /** File of our own operators for TensorFlow to be tried; left out: the one that was tried, if it computed right. */
  readonly kernels?: string | undefined
  /** Of what the child says is unreadable, or that it died. */
  readonly remedy: string
  /** Of a device that hangs; left out, five minutes. */
  readonly silenceMs?: number
  readonly signal?: AbortSignal | undefined
  readonly onEvent: (event: SpeedEvent) => void
}

/** Problems: what the child says, backend.failed where it died or hung, proof.cancelled, those of a full disk. */
export function askSpeedometer(
  { library, launcher }: DevicePorts,
  { device, task, kernels, remedy, silenceMs = defaultSilenceMs, signal, onEvent }: Asked,
): Promise<Result<void>> {
  const { enginesFolder, cacheFolder } = library
  const { physicalCores: threads } = describeMachine()
  return attemptAsync(() =>
    inWorkFolder(cacheFolder, 'measurement', async (workFolder) => {
      const { cards } = await readGraphicsOfComputer()
      // The one that the first run gets: of all of them a runtime would take whichever it likes best.
      const [card] = cardsOf(device, cards)
      const job: SpeedJob = { device, enginesFolder, kernels, card, workFolder, threads, task }
      const failure = { code: 'backend.failed', what: `Computing on ${deviceName(device)}`, remedy } as const
      unwrap(
        await runChildJob(launcher, {
          ...{ process: 'speedometer', eventSchema: speedEvent, job, onEvent, signal, failure, silenceMs },
        }),
      )
    }),
  )
}

/** Numbers too far from the right ones. `difference` null: they are no numbers at all. */
export const wrongNumbers = (device: DeviceId, difference: number | null, bound: number): Problem => ({
  code: 'device.wrong',
  message:
    difference === null
      ? 'This device computes no usable numbers.'
      : `This device computes wrong numbers: they are off by ${percent(difference)}; ${percent(bound)} is allowed.`,
  where: device,
  remedy:
    'Train on another device. A newer driver, or the engine fetched again, may help; then measure again, under “Settings” or with: tunewright devices measure',
})

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`
