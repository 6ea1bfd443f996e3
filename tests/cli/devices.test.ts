// `tunewright devices` and `train --device` as a person or a script uses them: words and exit codes. What computes is a
// process of its own.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { importModel } from '#core/models/import-model.ts'
import type { Library } from '#core/system/library.ts'
import { openJournalWriter } from '#journal/writer.ts'
import type { DevicesView } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { freshFolder, freshLibrary } from '../core/models/places.ts'
import { addSampleLibrary } from '../journal/support/sample.ts'
import { writeTinyModel } from '../processes/tiny-model.ts'
import { messagesCsv } from '../processes/trainer/tiny-run.ts'
import { hasTensorflow, linkTensorflow } from '../support/tensorflow-engine.ts'
import { ask } from './own-process.ts'
import { runWith } from './terminal.ts'

vi.setConfig({ testTimeout: 300_000 })

let library: Library
let modelId: string
let rows: string
beforeAll(async () => {
  library = freshLibrary()
  modelId = unwrap(await importModel(library, writeTinyModel(freshFolder()))).id
  rows = join(library.cacheFolder, 'rows.csv')
  writeFileSync(rows, messagesCsv(60))
})

const run = (...parameters: string[]) => runWith(library.home, ...parameters)
const say = (...parameters: string[]) => ask({ home: library.home, work: library.cacheFolder }, ...parameters)

const train = (...parameters: string[]) =>
  run(
    'train',
    ...['--model', modelId, '--data', rows, '--scenario', 'classification', '--max-steps', '4'],
    ...parameters,
  )

test('lists, measures, pins and frees', async () => {
  const before = await say('devices', 'list')
  expect(before.code).toBe(0)
  expect(before.out).toMatch(/^cpu +- .*not measured yet$/m)
  expect(before.out).toContain('On the processor: nothing else was measured on this computer.')
  const measured = JSON.parse(run('devices', 'measure', '--model', modelId, '--json').out) as DevicesView
  expect(measured.devices[0]).toMatchObject({ id: 'cpu', figure: { modelId, difference: 0 } })
  const after = (await say('devices', 'list', '--model', modelId)).out
  expect(after).toMatch(/^cpu +\d+ ms/m)
  expect(after).toMatch(/^step: the time of a step of 4 rows of \d+ tokens; 10\^9\/s: .*difference: /m)
  expect((await say('devices', 'use', 'cpu')).out).toContain(
    'On the processor: chosen by hand in the settings.',
  )
  const freed = JSON.parse((await say('devices', 'use', 'fastest', '--json')).out) as DevicesView
  expect(freed.pinned).toBeNull()
})

test('the table says what is missing in a few words; sentences come once, with their devices', async () => {
  const { out } = await say('devices', 'list')
  const [table, below] = out.split('\n\n')
  const { devices } = JSON.parse((await say('devices', 'list', '--json')).out) as DevicesView
  for (const { id, missing } of devices) {
    if (missing === null) continue
    expect(table).toMatch(new RegExp(`^${id} +- +(engine|no|not) [A-Za-z ]{4,25}$`, 'm'))
    expect(below?.split('\n').filter((line) => line.includes(missing.remedy))).toHaveLength(
      new Set(
        devices
          .filter((other) => other.missing?.remedy === missing.remedy)
          .map((other) => other.missing?.message.split(/needs|would|cannot/).at(-1)),
      ).size,
    )
  }
})

test('remedies name the command as it is typed in a clone, in what screens get too', async () => {
  process.env.TUNEWRIGHT_COMMAND = 'npm run tunewright --'
  try {
    const { devices } = JSON.parse((await say('devices', 'list', '--json')).out) as DevicesView
    const remedies = devices.map(({ missing }) => missing?.remedy ?? '').join(' ')
    expect(remedies.replaceAll('npm run tunewright -- ', '')).not.toMatch(/\btunewright [a-z]+ /)
    for (const call of [
      ['devices.view', '{"modelId":null}'],
      ['engines.list', '{}'],
    ] as const)
      expect((await say('call', ...call)).out).not.toMatch(/[^n] tunewright engines/)
    // The engine is on no computer where this library is.
    if (process.platform === 'linux' && process.arch === 'x64')
      expect(remedies).toContain('npm run tunewright -- engines add tensorflow')
  } finally {
    delete process.env.TUNEWRIGHT_COMMAND
  }
})

test('while a run trains nothing is measured; one that a crash left behind does not count', () => {
  const writer = unwrap(openJournalWriter(library.journalPath))
  const newRun = addSampleLibrary(writer)
  const { id } = unwrap(writer.createRun(newRun))
  unwrap(writer.startAttempt(id))
  const refused = run('devices', 'measure', '--model', modelId, '--json')
  expect(refused.code).toBe(1)
  expect(JSON.parse(refused.out).problem).toMatchObject({
    code: 'run.active',
    message: expect.stringContaining(newRun.name),
  })
  unwrap(writer.close())
  const afterwards = run('devices', 'measure', '--model', 'none', '--json')
  expect(JSON.parse(afterwards.out).problem.code).toBe('model.unknown')
})

test('what is not here can neither be pinned nor trained on, and the remedy is exact', async () => {
  expect(await say('devices', 'use', 'abacus')).toMatchObject({
    code: 2,
    error: expect.stringContaining('fastest'),
  })
  for (const { code, out } of [
    await say('devices', 'use', 'tensorflow-cuda', '--json'),
    train('--device', 'tensorflow-cuda', '--json'),
  ]) {
    expect(code).toBe(1)
    expect(JSON.parse(out).problem).toMatchObject({
      code: 'device.missing',
      where: 'tensorflow-cuda',
      remedy: expect.stringMatching(/./),
    })
  }
})

describe.skipIf(!hasTensorflow())('with TensorFlow', () => {
  test('trains on it where it is asked for, and on the processor when it is gone and only pinned', async () => {
    const without = train('--device', 'tensorflow-cpu', '--json')
    expect(JSON.parse(without.out).problem.remedy).toContain('tunewright engines add tensorflow')
    await linkTensorflow(library.enginesFolder)
    const there = JSON.parse(train('--device', 'tensorflow-cpu', '--json').out)
    expect(there).toMatchObject({ status: 'finished', recipe: { device: 'tensorflow-cpu' } })
    expect((await say('devices', 'use', 'tensorflow-cpu')).code).toBe(0)
    expect(JSON.parse(train('--json').out).recipe.device).toBe('tensorflow-cpu')
    rmSync(join(library.enginesFolder, 'tensorflow'), { recursive: true })
    const gone = train()
    expect(gone.code).toBe(0)
    expect(gone.out).toMatch(/device of the settings cannot be used now: .* Meanwhile: On the processor/)
  })
})
