// Memory that a run finds free although a trainer that is kept open holds it now: counted where that process is ended, or
// at its trial's end, before the run begins. Processes are scripted; real ones stand in tests/processes/trainer.
import { expect, test } from 'vitest'
import type { ChildExit, ChildPort } from '#core/system/launcher.ts'
import { createWarmTrainers } from '#core/training/warm-trainer.ts'
import type { DeviceId } from '#shared/devices.ts'
import type { TrainerEvent, TrainerJob } from '#shared/trainer-protocol.ts'

interface ScriptedProcess {
  readonly port: ChildPort
  say(event: Partial<TrainerEvent>): void
  isKilled: boolean
}

function scriptedProcess(): ScriptedProcess {
  let hear: (message: unknown) => void = () => {}
  let exit: (exit: ChildExit) => void = () => {}
  const process: ScriptedProcess = {
    isKilled: false,
    say: (event) => hear({ seq: 0, event }),
    port: {
      pid: 1,
      send: () => {},
      onMessage: (listener) => {
        hear = listener
      },
      onExit: (listener) => {
        exit = listener
      },
      kill() {
        process.isKilled = true
        exit({ code: null, signal: 'SIGKILL', lastWords: '' })
      },
    },
  }
  return process
}

function openTrainers() {
  const started: ScriptedProcess[] = []
  const trainers = createWarmTrainers({
    launch() {
      const process = scriptedProcess()
      started.push(process)
      return process.port
    },
  })
  return { trainers, started }
}

const jobOn = (device: DeviceId) =>
  ({ recipe: { device, threads: 1 }, enginesFolder: 'engines' }) as TrainerJob

/** A trial at work that holds so much. */
function work(warm: ReturnType<ReturnType<typeof openTrainers>['trainers']['open']>, device: DeviceId) {
  const port = warm.launcher.launch('trainer')
  port.onMessage(() => {})
  port.onExit(() => {})
  port.send({ kind: 'start', job: jobOn(device) })
}
const holds = (residentBytes: number): Partial<TrainerEvent> => ({ kind: 'heartbeat', residentBytes })
const finished: Partial<TrainerEvent> = { kind: 'finished' }

test('what a trial on the processor holds comes back to a run on the processor, and to no other', () => {
  const { trainers, started } = openTrainers()
  work(trainers.open(), 'cpu')
  expect(trainers.comesBack('cpu')).toBe(0)
  started[0]!.say(holds(3e9))
  started[0]!.say(holds(2e9))
  expect(trainers.comesBack('cpu')).toBe(2e9)
  expect(trainers.comesBack('tensorflow-cpu')).toBe(2e9)
  expect(trainers.comesBack('onnx-cuda')).toBe(0)
})

test('a process that waits is ended before any other run begins, and then holds nothing', () => {
  const { trainers, started } = openTrainers()
  work(trainers.open(), 'onnx-cuda')
  started[0]!.say(holds(2e9))
  expect(trainers.comesBack('onnx-cuda')).toBe(0)
  started[0]!.say(finished)
  expect(trainers.comesBack('onnx-cuda')).toBe(2e9)
  expect(trainers.comesBack('cpu')).toBe(2e9)
  trainers.launcher.launch('trainer')
  expect(started[0]!.isKilled).toBe(true)
  expect(trainers.comesBack('cpu')).toBe(0)
})

test("another study's trial ends the process that waits too; its own goes on in it", () => {
  const { trainers, started } = openTrainers()
  const [first, second] = [trainers.open(), trainers.open()]
  work(first, 'cpu')
  started[0]!.say(finished)
  work(first, 'cpu')
  expect(started).toHaveLength(1)
  started[0]!.say(finished)
  work(second, 'cpu')
  expect(started[0]!.isKilled).toBe(true)
  expect(started).toHaveLength(2)
})
