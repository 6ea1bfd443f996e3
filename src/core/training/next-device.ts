// How a run goes on by itself after its device failed: in smaller parts where memory was short, once more on the same
// device, then on the next best one, the processor last. It ends: every try without a checkpoint in between uses one up.
// Pure.
import { deviceName } from '#shared/device-names.ts'
import type { DeviceId } from '#shared/devices.ts'
import type { ProblemCode } from '#shared/problem-codes.ts'
import type { Problem } from '#shared/result.ts'

/** The device that is best without those that failed; null where none is left. */
export type NextDevice = (failed: readonly DeviceId[]) => DeviceId | null

export interface Tries {
  readonly device: DeviceId
  /** Rows that are computed at a time here. */
  readonly rowsAtOnce: number
  /** Ends on this device since the last checkpoint. */
  readonly endsHere: number
  /** Given up until a person continues the run. */
  readonly failed: readonly { readonly device: DeviceId; readonly problem: Problem }[]
  /** Step of the newest checkpoint when the last attempt ended; 0 before there was one. */
  readonly savedStep: number
}

export const firstTry = (device: DeviceId, rowsAtOnce: number): Tries => ({
  device,
  rowsAtOnce,
  endsHere: 0,
  failed: [],
  savedStep: 0,
})

export interface DeviceFailure {
  readonly problem: Problem
  /** Step of the newest checkpoint; 0 where none was seen. */
  readonly savedStep: number
  /** There is something to go on from. */
  readonly isSaved: boolean
  /** What the recipe computes at a time: another device begins with it again. */
  readonly recipeRows: number
}

export type AfterFailure =
  | { readonly kind: 'go-on'; readonly tries: Tries; readonly sentence: string }
  | { readonly kind: 'over'; readonly problem: Problem }

type Answer = 'again' | 'fewer-rows' | 'elsewhere'

/** What is about the device, not about the run. Everything else ends the run as it would on the processor. */
const answers: Partial<Record<ProblemCode, Answer>> = {
  'device.lost': 'again',
  'backend.failed': 'again',
  'trainer.crashed': 'again',
  'trainer.silent': 'again',
  'device.out-of-memory': 'fewer-rows',
  'memory.too-small': 'fewer-rows',
  'device.missing': 'elsewhere',
  'device.wrong': 'elsewhere',
  'engine.not-offered': 'elsewhere',
  'engine.missing': 'elsewhere',
  'engine.damaged': 'elsewhere',
}

export function afterFailure(tries: Tries, failure: DeviceFailure, nextDevice: NextDevice): AfterFailure {
  const { device, rowsAtOnce } = tries
  const { problem, savedStep, isSaved } = failure
  const answer = answers[problem.code]
  if (answer === undefined) return { kind: 'over', problem }
  if (device === 'cpu') return { kind: 'over', problem: finalProblem(tries, problem) }
  const endsHere = savedStep > tries.savedStep ? 0 : tries.endsHere
  const from = isSaved ? 'from its last checkpoint' : 'from its beginning'
  if (answer === 'fewer-rows' && rowsAtOnce > 1) {
    const fewer = Math.floor(rowsAtOnce / 2)
    const rows = fewer === 1 ? 'one row' : `${fewer} rows`
    return {
      kind: 'go-on',
      tries: { ...tries, rowsAtOnce: fewer, endsHere, savedStep },
      sentence: `${problem.message} The run goes on ${from} on ${deviceName(device)} with ${rows} at a time instead of ${rowsAtOnce}, added up: the same steps with the same rows, somewhat slower.`,
    }
  }
  if (answer === 'again' && endsHere === 0)
    return {
      kind: 'go-on',
      tries: { ...tries, endsHere: 1, savedStep },
      sentence: `${problem.message} The run goes on ${from}, once more on ${deviceName(device)}.`,
    }
  return elsewhere({ ...tries, savedStep }, failure, nextDevice, from)
}

function elsewhere(
  tries: Tries,
  { problem, recipeRows }: DeviceFailure,
  nextDevice: NextDevice,
  from: string,
): AfterFailure {
  const failed = [...tries.failed, { device: tries.device, problem }]
  const known = failed.map(({ device }) => device)
  const next = nextDevice(known)
  if (next === null || known.includes(next)) return { kind: 'over', problem: finalProblem(tries, problem) }
  return {
    kind: 'go-on',
    tries: { ...tries, device: next, rowsAtOnce: recipeRows, endsHere: 0, failed },
    sentence: `${problem.message} The run goes on ${from} on ${deviceName(next)} instead of ${deviceName(tries.device)}.`,
  }
}

/** One Problem for all that was tried; the last one by itself where it was the only device. */
function finalProblem({ device, failed }: Tries, problem: Problem): Problem {
  if (failed.length === 0) return problem
  return {
    ...problem,
    message: `The run could not go on on any device of this computer. Last, on ${deviceName(device)}: ${problem.message}`,
    faults: [...failed, { device, problem }].map((end) => ({
      where: deviceName(end.device),
      message: end.problem.message,
    })),
  }
}
