// A run that goes on after a person went back to a backup, with a real trainer: its folder holds checkpoints from further on
// than the journal, and its curve has no hole all the same. It is stopped and gone on with once more on the way.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { createRunService, runFolderOf } from '#core/training/run-service.ts'
import { openJournalReader } from '#journal/reader.ts'
import { restoreBackup } from '#journal/restore.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { unwrap } from '#shared/result.ts'
import { prepareSmallRun, type SmallRunPorts } from './small-run.ts'

vi.setConfig({ testTimeout: 300_000 })

const launch = ({ library, writer, reader }: SmallRunPorts, runId: string) =>
  createRunService({ library, writer, reader, launcher: createNodeLauncher() }).launch(runId)

interface Following {
  /** Asked once the journal holds that step. */
  readonly onStep?: (step: number) => void
  /** Stopped as soon as it has said where it goes on. */
  readonly isStopped?: boolean
}

/** To its end. */
async function follow(ports: SmallRunPorts, runId: string, { onStep, isStopped = false }: Following = {}) {
  const active = unwrap(await launch(ports, runId))
  const said = { resumedAtStep: -1, notices: [] as string[] }
  active.onEvent(({ event }) => {
    if (event.kind === 'step') onStep?.(event.step)
    if (event.kind === 'plan') said.resumedAtStep = event.resumedAtStep
    if (event.kind === 'plan' && isStopped) active.cancel()
    if (event.kind === 'notice') said.notices.push(event.text)
  })
  expect(await active.ended).toMatchObject({ status: isStopped ? 'cancelled' : 'finished' })
  return said
}

/** What must be the same however often a run was disturbed. */
function outcomeOf({ reader }: SmallRunPorts, runId: string) {
  const { train, validation } = unwrap(reader.curve(runId))
  const { bestStep, bestLossNats, adapterSha256 } = unwrap(reader.getRun(runId))
  return {
    train: train.map(({ step, lossNats, gradNorm, tokensSeen }) => ({
      step,
      lossNats,
      gradNorm,
      tokensSeen,
    })),
    validation: validation.map(({ step, lossNats }) => ({ step, lossNats })),
    ...{ bestStep, bestLossNats, adapterSha256 },
  }
}

const stepsIn = (folder: string): number[] =>
  readdirSync(join(folder, 'checkpoints'))
    .map((name) => Number(name.split('-')[1]))
    .sort((a, b) => a - b)

function removeUpTo(folder: string, last: number): void {
  for (const name of readdirSync(join(folder, 'checkpoints')))
    if (Number(name.split('-')[1]) <= last) rmSync(join(folder, 'checkpoints', name), { recursive: true })
}

const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Every attempt wrote its files under the same paths: each is there once, and what is told of it is true. */
function expectTrueFiles({ library, reader }: SmallRunPorts, runId: string, rows: number): void {
  const files = unwrap(reader.artifacts(runId))
  expect(files).toHaveLength(rows)
  const present = files.filter(({ removedAtMs }) => removedAtMs === null)
  expect(present.map(({ path }) => basename(path)).sort()).toEqual([
    'adapter_config.json',
    'adapter_model.safetensors',
  ])
  for (const { path, sha256 } of present) expect(sha256Of(join(library.home, path))).toBe(sha256)
}

/** Without its model it cannot go on, and stays as it was. */
async function expectModelIsAskedFor(ports: SmallRunPorts, runId: string): Promise<void> {
  const before = unwrap(ports.reader.getRun(runId))
  const folder = join(ports.library.modelsFolder, before.modelId)
  renameSync(folder, `${folder}.away`)
  const problem = { code: 'model.unknown', message: expect.stringMatching(/cannot be continued.*its model/) }
  expect(await launch(ports, runId)).toMatchObject({ ok: false, problem })
  expect(unwrap(ports.reader.getRun(runId))).toEqual(before)
  renameSync(`${folder}.away`, folder)
}

const removedNotice = /safe points?.* removed/

test.each([
  { keepLast: 100, from: 'its newest checkpoint that the journal knows of' },
  { keepLast: 1, from: 'its beginning, where only later ones are left' },
])(
  'gone back to a backup of its middle, a run goes on from $from, to the same bits',
  async ({ keepLast }) => {
    const { runId, library, ...first } = await prepareSmallRun('Gone back', 70, {
      duration: { epochs: 3, maxSteps: 12 },
      checkpoints: { everySeconds: null, everySteps: 2, keepLast },
    })
    let name = ''
    const onStep = (step: number): void => {
      if (step === 7) name = basename(unwrap(first.writer.backup()).path)
    }
    await follow({ library, ...first }, runId, { onStep })
    const expected = outcomeOf({ library, ...first }, runId)
    expect(expected.train.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    first.close()
    unwrap(restoreBackup(library.journalPath, { name }))

    const writer = unwrap(openJournalWriter(library.journalPath))
    expect(unwrap(writer.markOrphansInterrupted())).toEqual([runId])
    const reader = unwrap(openJournalReader(library.journalPath))
    const ports = { library, writer, reader }
    const known = unwrap(reader.getRun(runId)).lastStep ?? 0
    // Step 7 may have been written together with the next one.
    expect([7, 8]).toContain(known)
    const left = stepsIn(runFolderOf(library, runId))
    // Besides the one that is kept stays what the trainer knew the journal to hold by then.
    if (keepLast === 1) expect([left.at(-1), left.length]).toEqual([12, 2])
    else expect(left).toEqual([2, 4, 6, 8, 10, 12])
    if (keepLast === 1) removeUpTo(runFolderOf(library, runId), 8)
    await expectModelIsAskedFor(ports, runId)
    const { resumedAtStep, notices } = await follow(ports, runId, { isStopped: true })
    expect(keepLast === 1 ? [0] : [6, 8]).toContain(resumedAtStep)
    expect(resumedAtStep).toBeLessThanOrEqual(known)
    const removed = notices.filter((text) => removedNotice.test(text))
    expect(removed).toEqual([expect.stringContaining(`holds this run up to step ${known}`)])
    expect(stepsIn(runFolderOf(library, runId)).filter((step) => step > 8)).toEqual([])

    expect((await follow(ports, runId)).notices.join(' ')).not.toMatch(removedNotice)
    expect(stepsIn(runFolderOf(library, runId)).at(-1)).toBe(12)
    // Stopped before anything was measured it left no version.
    expectTrueFiles(ports, runId, keepLast === 1 ? 2 : 4)
    expect(outcomeOf(ports, runId)).toEqual(expected)
    expect(unwrap(reader.verifyChain(runId))).toMatchObject({ intact: true })
    reader.close()
    unwrap(writer.close())
  },
)
