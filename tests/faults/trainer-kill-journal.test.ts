// kill -9 of the trainer with everything attached: real launcher, supervisor and journal. Whatever was shown before a
// kill is in the journal after it, unchanged; the run goes on in the same journal and ends like one nobody disturbed.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeFingerprint } from '../../src/core/system/code-fingerprint.ts'
import { type ChildPort, createNodeLauncher, type Launcher } from '../../src/core/system/launcher.ts'
import type { RunOutcome } from '../../src/core/training/run-supervisor.ts'
import { counterRandom } from '../../src/engine/index.ts'
import { unwrap } from '../../src/shared/result.ts'
import type { TrainerMessage } from '../../src/shared/trainer-protocol.ts'
import { openTinyRuns, type TinyRuns } from './tiny-runs.ts'

const kills = process.env.TUNEWRIGHT_LONG ? 20 : 6
const timeoutMs = 600_000
let runs: TinyRuns

beforeAll(async () => {
  runs = await openTinyRuns()
})
afterAll(() => runs.close())

const addRun = (keepLast = 2): Promise<string> =>
  runs.addRun({
    duration: { epochs: 6 },
    evaluation: { everySteps: 3, patience: null },
    checkpoints: { everySeconds: null, everySteps: 2, keepLast },
  })

/** One life of the run: killed right after so many shown events, or left to its end. */
async function live(
  runId: string,
  killAfter: number,
): Promise<{ shown: TrainerMessage[]; outcome: RunOutcome }> {
  const nodes = createNodeLauncher()
  let kill = () => {}
  const launcher: Launcher = {
    launch(name) {
      const child = nodes.launch(name)
      kill = () => child.kill()
      return child
    },
  }
  const run = unwrap(await runs.serviceOf(launcher).launch(runId))
  const shown: TrainerMessage[] = []
  run.onEvent((message) => {
    if (message.event.kind === 'heartbeat') return
    shown.push(message)
    if (shown.length === killAfter) kill()
  })
  return { shown, outcome: await run.ended }
}

const curveOf = (runId: string) => {
  const { train, validation } = unwrap(runs.reader.curve(runId))
  return {
    train: train.map(({ step, lossNats, gradNorm, learningRate }) => [
      step,
      lossNats,
      gradNorm,
      learningRate,
    ]),
    validation: validation.map(({ step, lossNats, isBest }) => [step, lossNats, isBest]),
  }
}

test(`${kills} kills of the trainer lose no shown event, and the journal ends with the undisturbed curve`, {
  timeout: timeoutMs,
}, async () => {
  const undisturbed = await addRun()
  expect((await live(undisturbed, Number.POSITIVE_INFINITY)).outcome.status).toBe('finished')
  const random = counterRandom(99, 'journal kill moments')
  const shown: TrainerMessage[] = []
  const disturbed: string[] = []
  for (let struck = 0; struck < kills; ) {
    const runId = await addRun()
    disturbed.push(runId)
    shown.length = 0
    for (let life = 0; ; life += 1) {
      const mayKill = struck < kills && life < 7
      const killAfter = mayKill ? 1 + Math.floor(random(31 * struck + life) * 18) : Number.POSITIVE_INFINITY
      const { shown: seen, outcome } = await live(runId, killAfter)
      shown.push(...seen)
      const kept = new Map(
        unwrap(runs.reader.events(runId)).map(({ seq, kind, body }) => [seq, { kind, body }]),
      )
      for (const { seq, event } of shown) {
        const { kind, ...body } = event
        const noted = kind === 'plan' ? { ...body, code: codeFingerprint() } : body
        expect(kept.get(seq)).toEqual({ kind, body: JSON.parse(JSON.stringify(noted)) })
      }
      if (outcome.status === 'finished') break
      expect(outcome).toMatchObject({ status: 'crashed', problem: { code: 'trainer.crashed' } })
      struck += 1
    }
  }
  for (const runId of disturbed) {
    expect(curveOf(runId)).toEqual(curveOf(undisturbed))
    expect(unwrap(runs.reader.getRun(runId)).adapterSha256).toBe(
      unwrap(runs.reader.getRun(undisturbed)).adapterSha256,
    )
    expect(unwrap(runs.reader.verifyChain(runId))).toMatchObject({ intact: true })
  }
  console.info(`${kills} kills in ${disturbed.length} runs; every shown event was in the journal`)
})

/** From its second checkpoint on the program hears nothing more, as where it writes a backup; three later all goes dark. */
function deafAfterTwo(child: ChildPort): ChildPort {
  let saved = 0
  return {
    get pid() {
      return child.pid
    },
    send: (message) => child.send(message),
    onExit: (listener) => child.onExit(listener),
    kill: () => child.kill(),
    onMessage: (listener) =>
      child.onMessage((message) => {
        if (saved < 2) listener(message)
        if ((message as TrainerMessage).event.kind === 'checkpoint') saved += 1
        if (saved === 5) child.kill()
      }),
  }
}

test('a power cut before the journal holds the newest checkpoints costs the steps since, not the run', {
  timeout: timeoutMs,
}, async () => {
  // Bug: of one checkpoint that is kept the newest took the place of that which the journal held, and was ahead of it.
  const runId = await addRun(1)
  const nodes = createNodeLauncher()
  const dark = runs.serviceOf({ launch: (name) => deafAfterTwo(nodes.launch(name)) })
  const outcome = await unwrap(await dark.launch(runId)).ended
  expect(outcome.status).toBe('crashed')
  const { step } = unwrap(runs.reader.curve(runId)).train.at(-1)!
  expect(step).toBe(4)
  expect((await live(runId, Number.POSITIVE_INFINITY)).outcome.status).toBe('finished')
  const plans = unwrap(runs.reader.eventsOfKind(runId, 'plan', 9))
  // Of the second one it may have heard too late.
  expect([2, 4]).toContain((plans.at(-1)!.body as { resumedAtStep: number }).resumedAtStep)
})
