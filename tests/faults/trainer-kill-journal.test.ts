// kill -9 of the trainer with everything attached: real launcher, supervisor and journal. Whatever was shown before a
// kill is in the journal after it, unchanged; the run goes on in the same journal and ends like one nobody disturbed.
import { rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNodeLauncher, type Launcher } from '../../src/core/system/launcher.ts'
import { createRunService } from '../../src/core/training/run-service.ts'
import type { RunOutcome } from '../../src/core/training/run-supervisor.ts'
import { counterRandom } from '../../src/engine/index.ts'
import { type JournalReader, openJournalReader } from '../../src/journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '../../src/journal/writer.ts'
import { unwrap } from '../../src/shared/result.ts'
import type { TrainerMessage } from '../../src/shared/trainer-protocol.ts'
import { makeTinyLibrary, type TestLibrary } from '../processes/trainer/tiny-run.ts'

const kills = 20
const timeoutMs = 600_000
let tiny: TestLibrary
let writer: JournalWriter
let reader: JournalReader

beforeAll(async () => {
  tiny = await makeTinyLibrary()
  writer = unwrap(openJournalWriter(tiny.library.journalPath))
  reader = unwrap(openJournalReader(tiny.library.journalPath))
})
afterAll(async () => {
  reader.close()
  writer.close()
  await rm(tiny.library.home, { recursive: true, force: true })
})

/** A run of the tiny library in the journal, as `queued`. */
async function addRun(): Promise<string> {
  const { recipe, datasetFolder } = await tiny.makeJob('never-launched', {
    duration: { epochs: 6 },
    evaluation: { everySteps: 3, patience: null },
    checkpoints: { everySeconds: null, everySteps: 2, keepLast: 2 },
  })
  const project = unwrap(writer.ensureProject({ name: 'kills', scenario: 'classification' }))
  const { id, weightsSha256 } = recipe.model
  unwrap(writer.addModel({ id, name: id, source: 'test', licence: 'none', weightsSha256, parameters: 1 }))
  const fingerprint = basename(datasetFolder)
  const counts = { train: 1, validation: 1, test: 1, leftOut: 0 }
  unwrap(
    writer.addDataset({
      fingerprint,
      scenario: 'classification',
      sourceName: 'messages.csv',
      manifest: {},
      counts,
    }),
  )
  const run = { projectId: project.id, name: 'run', recipe, backend: 'not started', device: {}, versions: {} }
  return unwrap(writer.createRun(run)).id
}

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
  const service = createRunService({ library: tiny.library, writer, reader, launcher, silentLimitMs: 60_000 })
  const run = unwrap(await service.launch(runId))
  const shown: TrainerMessage[] = []
  run.onEvent((message) => {
    if (message.event.kind === 'heartbeat') return
    shown.push(message)
    if (shown.length === killAfter) kill()
  })
  return { shown, outcome: await run.ended }
}

const curveOf = (runId: string) => {
  const { train, validation } = unwrap(reader.curve(runId))
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
      const kept = new Map(unwrap(reader.events(runId)).map(({ seq, kind, body }) => [seq, { kind, body }]))
      for (const { seq, event } of shown) {
        const { kind, ...body } = event
        expect(kept.get(seq)).toEqual({ kind, body: JSON.parse(JSON.stringify(body)) })
      }
      if (outcome.status === 'finished') break
      expect(outcome).toMatchObject({ status: 'crashed', problem: { code: 'trainer.crashed' } })
      struck += 1
    }
  }
  for (const runId of disturbed) {
    expect(curveOf(runId)).toEqual(curveOf(undisturbed))
    expect(unwrap(reader.getRun(runId)).adapterSha256).toBe(unwrap(reader.getRun(undisturbed)).adapterSha256)
    expect(unwrap(reader.verifyChain(runId))).toMatchObject({ intact: true })
  }
  console.info(`${kills} kills in ${disturbed.length} runs; every shown event was in the journal`)
})
