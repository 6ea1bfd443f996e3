// A project's rows through the contract: sent, read, judged, repaired, split, and the same data set as the terminal's.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { importDataset, readLeftOut } from '#core/data/index.ts'
import { createUploads } from '#core/data/uploads.ts'
import { openLibrary } from '#core/system/library.ts'
import { type DataCheck, type ProjectDraft, scoreIds } from '#shared/contract/index.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { startChild } from '../../journal/support/child.ts'
import { randomFrom } from '../../support/seeded.ts'
import { type OpenWorkstation, openWorkstation, temporaryHome } from '../workstation/open-workstation.ts'
import { draftOf } from './data-support.ts'

async function newProject(
  { api }: OpenWorkstation,
  scenario: ScenarioId = 'classification',
): Promise<string> {
  return unwrap(await api.call('projects.create', { name: `about ${scenario}`, scenario })).project.id
}

async function send(
  { api }: OpenWorkstation,
  projectId: string,
  name: string,
  text: string,
): Promise<string> {
  const bytes = Buffer.from(text)
  const purpose = { kind: 'data', projectId } as const
  const { uploadId } = unwrap(await api.call('upload.begin', { purpose, name, sizeBytes: bytes.length }))
  unwrap(await api.call('upload.piece', { uploadId, offset: 0, base64: bytes.toString('base64') }))
  return unwrap(await api.call('upload.finish', { uploadId })).name
}

const saveDraft = async ({ api }: OpenWorkstation, projectId: string, draft: Partial<ProjectDraft>) =>
  unwrap(await api.call('projects.saveDraft', { projectId, draft }))

const checkOf = async ({ api }: OpenWorkstation, projectId: string): Promise<DataCheck> =>
  unwrap(await api.call('data.check', { projectId }))

const scoreOf = ({ score }: DataCheck, id: (typeof scoreIds)[number]) => score.find((item) => item.id === id)!

/** Sixty clean messages, and one of each fault. */
const customers = ['anna', 'berta', 'carl', 'dora', 'emil', 'franz', 'gerda', 'hans', 'ida', 'jan']
const things = 'saddle,chain,lamp,tyre,pedal,brake,bell,lock,pump,basket'.split(',')
const cleanRows = Array.from({ length: 60 }, (_, i) => {
  const label = ['orders', 'returns', 'repairs'][i % 3]
  return `"My ${things[i % 10]} number ${i * 37} needs the attention of ${customers[(i * 7) % 10]}",${label},${customers[i % 10]}`
})
const faultyRows = [
  '"Where is the parcel that I have ordered in the spring?",orders,anna',
  '"Where is the parcel that I have ordered in the spring?",orders,berta',
  '"Where is the parcel that I have ordered in the spring!!",orders,carl',
  '"The red one please, and thank you",orders,dora',
  '"The red one please, and thank you",returns,dora',
  '"Please write to me at anna.berg@example.org",Repairs,anna',
  '"The BrÃ¼cke is broken",repairs,emil',
  '"",orders,emil',
]
const mailCsv = `message,team,customer\n${[...cleanRows, ...faultyRows].join('\n')}\n`

describe('the score card', () => {
  test('judges twelve things, each with its number, and every fault is found where it is', async () => {
    const station = await openWorkstation()
    const projectId = await newProject(station)
    await send(station, projectId, 'mail.csv', mailCsv)
    const check = await checkOf(station, projectId)
    expect(check.blocking).toBeNull()
    expect(check.score.map(({ id }) => id).sort()).toEqual([...scoreIds].sort())
    const counts = Object.fromEntries(check.score.map(({ id, count }) => [id, count]))
    expect(counts).toMatchObject({
      'split-leaks': 0,
      repeats: 2,
      'near-repeats': 1,
      'label-spellings': 1,
      contradictions: 1,
      'personal-data': 1,
      labels: 4,
      'damaged-characters': 1,
      empty: 1,
      languages: 1,
      'test-size': check.split!.test,
    })
    expect(scoreOf(check, 'personal-data')).toMatchObject({ lines: [67], fix: 'mask-personal-data' })
    expect(scoreOf(check, 'damaged-characters').lines).toEqual([68])
    expect(scoreOf(check, 'near-repeats').lines).toEqual([62, 64])
    expect(check.languages).toEqual(['English'])
    expect(check.score.every(({ isFixed }) => !isFixed)).toBe(true)
    expect(check.split!.test).toBeLessThan(20)
    expect(check.ninetyMeans).toBeNull()
    expect(check.example!.prompt).toContain('My saddle number 0')
  })

  test('says what was repaired; every row taken out is listed with its reason', async () => {
    const station = await openWorkstation()
    const projectId = await newProject(station)
    await send(station, projectId, 'mail.csv', mailCsv)
    const before = await checkOf(station, projectId)
    await saveDraft(station, projectId, {
      fixes: [
        'merge-label-spellings',
        'drop-damaged',
        'drop-contradictions',
        'keep-one-of-repeats',
        'keep-one-of-near-repeats',
        'mask-personal-data',
      ],
    })
    const after = await checkOf(station, projectId)
    expect(after.score.filter(({ isFixed }) => isFixed).map(({ fix, count }) => [fix, count])).toEqual([
      ['keep-one-of-repeats', 1],
      ['keep-one-of-near-repeats', 1],
      ['merge-label-spellings', 1],
      ['drop-contradictions', 2],
      ['mask-personal-data', 1],
      ['drop-damaged', 1],
    ])
    // Nothing is taken out where a text is only changed.
    expect(scoreOf(after, 'personal-data').detail).not.toContain('taken out')
    expect(scoreOf(after, 'label-spellings').detail).not.toContain('taken out')
    expect(scoreOf(after, 'damaged-characters').detail).toContain('taken out')
    expect(after.usableRows).toBe(before.usableRows - 5)
    expect(after.leftOutRows).toBe(before.leftOutRows + 5)
    const { rows, total } = unwrap(await station.api.call('data.leftOut', { projectId }))
    expect(total).toBe(6)
    expect(rows.map(({ line }) => line).sort()).toEqual([63, 64, 65, 66, 68, 69])
    expect(after.labels).toHaveLength(3)
  })

  test('one of each repeat kept, what is left is said to have another answer', async () => {
    const station = await openWorkstation()
    const projectId = await newProject(station)
    await send(station, projectId, 'mail.csv', mailCsv)
    await saveDraft(station, projectId, { fixes: ['keep-one-of-repeats'] })
    const { detail } = scoreOf(await checkOf(station, projectId), 'repeats')
    expect(detail).toBe('What is left: 1 row has the text of another row, with another answer.')
  })
})

test('the first rows are shown as a person reads them: who says what, and what is marked', async () => {
  const station = await openWorkstation()
  const cellsOf = async (scenario: ScenarioId): Promise<readonly string[]> => {
    const { project } = unwrap(
      await station.api.call('projects.create', {
        name: `sample of ${scenario}`,
        scenario,
        withSample: true,
      }),
    )
    return (await checkOf(station, project.id)).preview[0]!.cells
  }
  expect((await cellsOf('chatbot'))[0]).toMatch(/^Person: When does the next train.*\nAssistant: Ours leave/)
  expect(await cellsOf('entity-recognition')).toContain(
    '100 g (QUANTITY), butter (INGREDIENT), 200 g (QUANTITY), flour (INGREDIENT)',
  )
})

test('the repaired rows are the same data set for the screens and for the terminal', async () => {
  const station = await openWorkstation()
  const projectId = await newProject(station)
  await send(station, projectId, 'mail.csv', mailCsv)
  const fixes = ['keep-one-of-repeats', 'drop-damaged', 'merge-label-spellings'] as const
  await saveDraft(station, projectId, { fixes: [...fixes], groupColumn: 'customer' })
  const check = await checkOf(station, projectId)
  const library = openLibrary(await temporaryHome())
  const path = join(station.home, 'projects', projectId, 'files', 'mail.csv')
  const draft = draftOf(path, { fixes: [...fixes], groupColumn: 'customer' })
  const manifest = unwrap(await importDataset(library, draft, 'classification'))
  expect(manifest).toMatchObject({ fixes, groupColumn: 'customer' })
  expect(manifest.counts).toEqual({ ...check.split, leftOut: check.leftOutRows })
  const leftOut = unwrap(await readLeftOut(join(library.datasetsFolder, manifest.fingerprint)))
  expect(leftOut).toEqual(unwrap(await station.api.call('data.leftOut', { projectId })).rows)
  const others = unwrap(await importDataset(library, draftOf(path), 'classification'))
  expect(others.fingerprint).not.toBe(manifest.fingerprint)
})

test('rows with one value in the group column lie on one side', async () => {
  const library = openLibrary(await temporaryHome())
  const station = await openWorkstation()
  const projectId = await newProject(station)
  await send(station, projectId, 'mail.csv', mailCsv)
  const path = join(station.home, 'projects', projectId, 'files', 'mail.csv')
  const draft = draftOf(path, { groupColumn: 'customer' })
  const manifest = unwrap(await importDataset(library, draft, 'classification'))
  const customerOfLine = new Map(mailCsv.split('\n').map((line, i) => [i + 1, line.split(',').at(-1)]))
  const sides = (['train', 'validation', 'test'] as const).map((part) => {
    const text = readFileSync(
      join(library.datasetsFolder, manifest.fingerprint, manifest.files[part].name),
      'utf8',
    )
    const lines = text.trim().split('\n')
    return new Set(lines.map((line) => customerOfLine.get((JSON.parse(line) as { line: number }).line)))
  })
  const all = sides.flatMap((side) => [...side])
  expect(all).toHaveLength(new Set(all).size)
  await saveDraft(station, projectId, { groupColumn: 'shop' })
  expect((await checkOf(station, projectId)).blocking).toMatchObject({ code: 'data.columns' })
})

describe('several files', () => {
  test('are read as one table in the order of their names', async () => {
    const station = await openWorkstation()
    const projectId = await newProject(station)
    const half = cleanRows.length / 2
    await send(station, projectId, 'b.csv', `message,team,customer\n${cleanRows.slice(half).join('\n')}\n`)
    await send(station, projectId, 'a.csv', `message,team,customer\n${cleanRows.slice(0, half).join('\n')}\n`)
    const check = await checkOf(station, projectId)
    expect(check.files.map(({ name }) => name)).toEqual(['a.csv', 'b.csv'])
    expect(check.usableRows).toBe(60)
    expect(check.blocking).toBeNull()
  })

  test('with other columns are refused by the name of the file', async () => {
    const station = await openWorkstation()
    const projectId = await newProject(station)
    await send(station, projectId, 'a.csv', `message,team,customer\n${cleanRows.join('\n')}\n`)
    await send(station, projectId, 'b.csv', 'subject,department\n"Hello there",orders\n"Good bye",returns\n')
    expect((await checkOf(station, projectId)).blocking).toMatchObject({
      code: 'data.columns',
      where: 'b.csv',
    })
  })
})

test('columns that are not clear are asked for, and the table is shown meanwhile', async () => {
  const station = await openWorkstation()
  const projectId = await newProject(station)
  const rows = Array.from({ length: 30 }, (_, i) => `${i},word ${i} of it,other words ${i} here`)
  await send(station, projectId, 'x.csv', `a,b,c\n${rows.join('\n')}\n`)
  const check = await checkOf(station, projectId)
  expect(check.blocking).toMatchObject({ code: 'data.columns' })
  expect(check.columns.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  expect(check.preview.length).toBeGreaterThan(10)
})

describe('an upload', () => {
  test.each([
    ['../../../etc/passwd', 'passwd'],
    ['C:\\data\\mail.csv', 'mail.csv'],
    ['..', 'file-'],
    ['con.csv', 'file-con.csv'],
    // A name of that kind would not be seen, and swept at the next start.
    ['backup.tmp-2.csv', 'backup_tmp-2.csv'],
    [`${'\u8868'.repeat(200)}.csv`, `${'\u8868'.repeat(58)}.csv`],
    ['a\u0000b\n.csv', 'a_b_.csv'],
  ])('called %j becomes %s inside the project', async (given, wanted) => {
    const station = await openWorkstation()
    const projectId = await newProject(station)
    expect(await send(station, projectId, given, 'text,label\na,b\n')).toBe(wanted)
    expect(readdirSync(join(station.home, 'projects', projectId, 'files'))).toEqual([wanted])
  })

  test('whose pieces do not fit is refused, and nothing of it is seen', async () => {
    const { api, home, ...rest } = await openWorkstation()
    const projectId = await newProject({ api, home, ...rest })
    const purpose = { kind: 'data', projectId } as const
    const { uploadId } = unwrap(await api.call('upload.begin', { purpose, name: 'm.csv', sizeBytes: 10 }))
    const piece = (offset: number, text: string) =>
      api.call('upload.piece', { uploadId, offset, base64: Buffer.from(text).toString('base64') })
    expect(await piece(3, 'abc')).toMatchObject({ ok: false, problem: { code: 'upload.failed' } })
    expect(await piece(0, 'abcdefghijk')).toMatchObject({ ok: false })
    expect(unwrap(await piece(0, 'abcde'))).toEqual({ receivedBytes: 5 })
    expect(await piece(0, 'abcde')).toMatchObject({ ok: false })
    expect(await api.call('upload.finish', { uploadId })).toMatchObject({ ok: false })
    expect(unwrap(await api.call('projects.get', { projectId })).files).toEqual([])
    unwrap(await api.call('upload.cancel', { uploadId }))
    expect(readdirSync(join(home, 'projects', projectId, 'files'))).toEqual([])
  })

  test('that its page gave up makes room for another one; those under way do not', async () => {
    const folder = await temporaryHome()
    const clock = { ms: 0 }
    const uploads = createUploads(() => clock.ms)
    const begin = (name: string) => uploads.begin(folder, name, 1, 10)
    for (let i = 0; i < 8; i += 1) unwrap(await begin(`${i}.csv`))
    expect(await begin('8.csv')).toMatchObject({ ok: false, problem: { code: 'upload.failed' } })
    clock.ms = 61_000
    unwrap(await begin('8.csv'))
    expect(readdirSync(folder)).toHaveLength(1)
    await uploads.close()
    expect(readdirSync(folder)).toEqual([])
  })

  test('larger than the limit or than the disk, or for no project, is refused before it begins', async () => {
    const station = await openWorkstation()
    const projectId = await newProject(station)
    const begin = (id: string, sizeBytes: number) =>
      station.api.call('upload.begin', { purpose: { kind: 'data', projectId: id }, name: 'm.csv', sizeBytes })
    expect(await begin(projectId, 1e13)).toMatchObject({ ok: false, problem: { code: 'limit.exceeded' } })
    expect(await begin(projectId, 3e9)).toMatchObject({ ok: false, problem: { code: 'limit.exceeded' } })
    expect(await begin('project-0', 10)).toMatchObject({ ok: false, problem: { code: 'project.unknown' } })
  })
})

test('kill -9 while drafts and files are written loses nothing that was acknowledged', {
  timeout: 120_000,
}, async () => {
  const first = await openWorkstation()
  const projectId = await newProject(first)
  const { home } = first
  await first.close()
  const random = randomFrom(20_261_125)
  const files = join(home, 'projects', projectId, 'files')
  let seen = { draft: -1, file: -1 }
  for (let kill = 0; kill < 6; kill += 1) {
    const from = Math.max(seen.draft, seen.file) + 1
    const child = startChild('../../core/workstation/draft-writer.ts', [home, projectId, String(from)])
    await child.untilLine(2 + Math.floor(random() * 12))
    await wait(random() * 8)
    child.process.kill('SIGKILL')
    const { lines, errors } = await child.gone
    expect(errors).toBe('')
    for (const line of lines) {
      const [what, n] = line.split(' ')
      if (what === 'draft' || what === 'file') seen = { ...seen, [what]: Number(n) }
    }
    const again = await openWorkstation(home)
    const { draft } = unwrap(await again.api.call('projects.get', { projectId }))
    // The next one may have been written and not yet acknowledged.
    if (seen.draft >= 0) expect([seen.draft, seen.draft + 1]).toContain(draft.splitSeed)
    expect(draft.instruction ?? `draft ${draft.splitSeed}`).toMatch(
      new RegExp(`^(draft ${draft.splitSeed})+$`),
    )
    if (existsSync(files)) expect(readdirSync(files).filter((name) => name !== 'rows.csv')).toEqual([])
    if (seen.file >= 0) {
      const numbers = new Set(readFileSync(join(files, 'rows.csv'), 'utf8').match(/\d+/g)?.map(Number))
      expect(numbers.size).toBe(1)
      expect([seen.file, seen.file + 1]).toContain([...numbers][0])
    }
    await again.close()
  }
  expect(seen.file).toBeGreaterThan(0)
})
