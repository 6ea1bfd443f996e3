// Run bundles: what goes in comes out elsewhere and runs again with the same bits; what lies is refused whole.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { BundleManifest } from '#core/archive/bundle-manifest.ts'
import { exportJournal } from '#core/archive/export-journal.ts'
import { importJournal } from '#core/archive/import-journal.ts'
import { importModel } from '#core/models/import-model.ts'
import { extractMembers } from '#core/models/zip-members.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { prepareRepeat, repeatOf } from '#core/training/repeat-run.ts'
import { requireTunedUnchanged } from '#core/training/tuned-version.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { type ZipEntry, zip } from '../../support/zip-bytes.ts'
import { freshFolder, freshLibrary } from '../models/places.ts'
import { train } from '../training/small-run.ts'
import { openRealLibrary, quietly, type RealLibrary } from './real-library.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let real: RealLibrary
let bundle: string
let members: ZipEntry[]

beforeAll(async () => {
  real = await openRealLibrary()
  bundle = await made([real.trained])
  members = await membersOf(bundle)
})
afterAll(() => real.close())

async function made(runIds: readonly string[], withRows = true): Promise<string> {
  return unwrap(await exportJournal({ form: 'bundle', runIds, withRows }, real, quietly)).place
}

async function membersOf(path: string): Promise<ZipEntry[]> {
  const folder = freshFolder()
  const names: string[] = []
  await extractMembers(path, (name) => {
    names.push(name)
    return join(folder, ...name.split('/'))
  })
  return names.map((name) => ({ name, content: readFileSync(join(folder, ...name.split('/'))) }))
}

interface Elsewhere {
  readonly library: Library
  readonly writer: JournalWriter
  readonly reader: JournalReader
}

const opened: Elsewhere[] = []
function elsewhere(library = freshLibrary()): Elsewhere {
  const writer = unwrap(openJournalWriter(library.journalPath))
  const station = { library, writer, reader: unwrap(openJournalReader(library.journalPath)) }
  opened.push(station)
  return station
}
afterAll(() => {
  for (const { reader, writer } of opened) {
    reader.close()
    writer.close()
  }
})

const bringIn = (path: string, station: Elsewhere) => importJournal(path, station, quietly)

/** Everything below a library's folder that is not the journal itself. */
const filesIn = (library: Library): string[] =>
  (readdirSync(library.home, { recursive: true }) as string[])
    .filter((name) => !/journal\.db|backups/.test(name))
    .sort()

describe('a bundle', () => {
  test('names everything in it with its hash, and says what it holds', async () => {
    const manifest = manifestOf(members)
    expect(members.map(({ name }) => name).toSorted()).toEqual(
      ['manifest.json', ...manifest.files.map(({ path }) => path)].toSorted(),
    )
    for (const { path, sha256, bytes } of manifest.files) {
      const { content } = members.find(({ name }) => name === path)!
      expect([content.length, sha256Of(content)]).toEqual([bytes, sha256])
    }
    expect(manifest.runs).toMatchObject([
      { id: real.trained, hasTunedVersion: true, datasets: [{ hasRows: true }] },
    ])
    const answers = text(members, `readable/${real.trained}/answers.jsonl`).trim().split('\n')
    const measured = unwrap(real.reader.evaluations(real.trained)).flatMap((one) => one.answers)
    expect(answers).toHaveLength(measured.length)
  })

  test('opens elsewhere: run, curve, answers, verdict, trained version and data set are the same', async () => {
    const there = elsewhere()
    const report = unwrap(await bringIn(bundle, there))
    expect(report).toEqual({ projects: 1, runs: 1, studies: 0, known: 0, refused: [], notices: [] })
    const known = unwrap(real.reader.getRun(real.trained))
    expect(unwrap(there.reader.getRun(real.trained))).toEqual(known)
    expect(unwrap(there.reader.curve(real.trained))).toEqual(unwrap(real.reader.curve(real.trained)))
    expect(unwrap(there.reader.evaluations(real.trained))).toEqual(
      unwrap(real.reader.evaluations(real.trained)),
    )
    expect(unwrap(there.reader.comparisons(real.trained))).toEqual(
      unwrap(real.reader.comparisons(real.trained)),
    )
    expect(unwrap(there.reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
    expect(await requireTunedUnchanged(there.library, there.reader, real.trained)).toMatchObject({ ok: true })
    expect(unwrap(there.reader.links(real.trained))).toMatchObject([
      { kind: 'imported-from', parent: bundle.split('/').at(-1) },
    ])
    expect(unwrap(there.reader.listRuns({ text: 'first night' })).total).toBe(1)

    const again = unwrap(await bringIn(bundle, there))
    expect(again).toMatchObject({ projects: 0, runs: 0, known: 1, refused: [] })
    expect(readdirSync(there.library.cacheFolder)).toEqual([])
  })

  test('runs again where its model is, and the same comes out to the last bit', async () => {
    const there = elsewhere()
    unwrap(await bringIn(bundle, there))
    expect(await prepareRepeat(real.trained, there)).toMatchObject({ problem: { code: 'model.unknown' } })
    unwrap(await importModel(there.library, writeTinyModel(freshFolder())))
    const { runId } = unwrap(await prepareRepeat(real.trained, there))
    await train(runId, there)
    expect(repeatOf(there.reader, unwrap(there.reader.getRun(runId)))).toMatchObject({ kind: 'same' })
  })

  test('without rows holds no text of any row, and still opens with its curve and verdict', async () => {
    const path = await made([real.trained], false)
    const inside = await membersOf(path)
    const folder = join(
      real.library.datasetsFolder,
      unwrap(real.reader.getRun(real.trained)).datasetFingerprint,
    )
    const rows = ['train', 'validation', 'test.locked'].flatMap((name) =>
      readFileSync(join(folder, `${name}.jsonl`), 'utf8')
        .trim()
        .split('\n'),
    )
    const texts = rows.map((line) => String(JSON.parse(line).fields.text))
    expect(texts.length).toBeGreaterThan(100)
    for (const { name, content } of inside) {
      const bytes = Buffer.from(content)
      const said = texts.filter((one) => bytes.includes(one))
      expect(said, name).toEqual([])
    }
    const there = elsewhere()
    expect(unwrap(await bringIn(path, there))).toMatchObject({ runs: 1, refused: [] })
    expect(unwrap(there.reader.curve(real.trained))).toEqual(unwrap(real.reader.curve(real.trained)))
    expect(unwrap(there.reader.comparisons(real.trained))).toHaveLength(1)
    expect(unwrap(there.reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
    expect(await prepareRepeat(real.trained, there)).toMatchObject({ ok: false })
  })

  test('brings a run back that was removed, and files that were thrown away', async () => {
    const there = elsewhere()
    unwrap(await bringIn(bundle, there))
    unwrap(there.writer.removeRuns([real.trained]))
    rmSync(join(there.library.runsFolder, real.trained), { recursive: true })
    expect(unwrap(await bringIn(bundle, there)).refused).toEqual([])
    expect(unwrap(there.reader.listRuns()).runs.map(({ id }) => id)).toEqual([real.trained])
    expect(await requireTunedUnchanged(there.library, there.reader, real.trained)).toMatchObject({ ok: true })
  })

  test('another trained version in its place is a conflict by name, and stays', async () => {
    const there = elsewhere()
    const adapter = join(there.library.runsFolder, real.trained, 'adapter')
    const weights = join(adapter, 'adapter_model.safetensors')
    mkdirSync(adapter, { recursive: true })
    writeFileSync(weights, 'mine')
    const report = unwrap(await bringIn(bundle, there))
    expect(report.refused).toMatchObject([
      { what: 'Sorted | "mail"', reason: expect.stringContaining('Another file is in its place here.') },
    ])
    expect(readFileSync(weights, 'utf8')).toBe('mine')
    expect(unwrap(there.reader.listRuns()).total).toBe(0)
    expect(
      existsSync(
        join(there.library.datasetsFolder, unwrap(real.reader.getRun(real.trained)).datasetFingerprint),
      ),
    ).toBe(false)
  })

  test('a data set that is not whole any more does not go along, and that is said', async () => {
    const { datasetFingerprint } = unwrap(real.reader.getRun(real.trained))
    const folder = join(real.library.datasetsFolder, datasetFingerprint)
    const adapter = join(real.library.runsFolder, real.trained, 'adapter')
    renameSync(folder, `${folder}-away`)
    renameSync(adapter, `${adapter}-away`)
    try {
      const manifest = manifestOf(await membersOf(await made([real.trained])))
      expect(manifest.runs).toMatchObject([{ hasTunedVersion: false, datasets: [{ hasRows: false }] }])
    } finally {
      renameSync(`${folder}-away`, folder)
      renameSync(`${adapter}-away`, adapter)
    }
  })
})

const sha256Of = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')
const text = (entries: readonly ZipEntry[], name: string): string =>
  Buffer.from(entries.find((entry) => entry.name === name)!.content).toString()
const manifestOf = (entries: readonly ZipEntry[]): BundleManifest =>
  JSON.parse(text(entries, 'manifest.json'))

/** The bundle with other members; its list names them rightly unless `list` says otherwise. */
function forged(
  change: (entries: ZipEntry[]) => ZipEntry[],
  list: (manifest: BundleManifest) => unknown = (manifest) => manifest,
): Buffer {
  const changed = change(members.filter(({ name }) => name !== 'manifest.json'))
  const files = changed.map(({ name, content }) => ({
    path: name,
    bytes: content.length,
    sha256: sha256Of(content),
  }))
  const manifest = list({ ...manifestOf(members), files })
  return zip([{ name: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) }, ...changed])
}

const replaced =
  (match: RegExp, content: (before: Uint8Array) => Uint8Array) =>
  (entries: ZipEntry[]): ZipEntry[] =>
    entries.map((entry) => (match.test(entry.name) ? { ...entry, content: content(entry.content) } : entry))

const more = (name: string) => (entries: ZipEntry[]) => [...entries, { name, content: Buffer.from('x') }]
const withFiles =
  (change: (file: BundleManifest['files'][number]) => object) => (manifest: BundleManifest) => ({
    ...manifest,
    files: manifest.files.map((file) => ({ ...file, ...change(file) })),
  })
const same = (entries: ZipEntry[]): ZipEntry[] => entries

const strangeNames = [
  '../outside.txt',
  'library/../../outside.txt',
  '/etc/tunewright',
  'C:/outside.txt',
  'library\\runs\\x\\adapter\\adapter_config.json',
  'library/runs/../../x/adapter/adapter_config.json',
  'library/datasets/../adapter.json',
  'library/datasets/CON.tmp-1/extra.jsonl',
  'library/runs/x/adapter/evil.js',
  'library/models/m-0000000000000000/model.safetensors',
  'journal.db-wal',
  'readable/x/run.html',
  'README.md/inside',
  'library/runs/x/adapter/adapter_config.json/inside',
  'a'.repeat(3000),
  '',
  '.',
  'library/datasets/x/train.jsonl\0.txt',
]

const hostile: [string, () => Buffer][] = [
  ...strangeNames.map((name): [string, () => Buffer] => [
    `a file named ${JSON.stringify(name.slice(0, 60))}`,
    () => forged(more(name)),
  ]),
  ...strangeNames
    .slice(0, 8)
    .map((name): [string, () => Buffer] => [
      `an unlisted file named ${JSON.stringify(name)}`,
      () => forged(more(name), (manifest) => ({ ...manifest, files: manifest.files.slice(0, -1) })),
    ]),
  ['no list', () => zip(members.filter(({ name }) => name !== 'manifest.json'))],
  ['an empty list', () => forged(same, () => ({}))],
  ['a list that is no JSON', () => zip([{ name: 'manifest.json', content: Buffer.from('{') }])],
  ['a list of 20 MB', () => zip([{ name: 'manifest.json', content: Buffer.alloc(20e6, 32) }])],
  ['a newer list', () => forged(same, (manifest) => ({ ...manifest, version: 2 }))],
  ['a field that nobody knows', () => forged(same, (manifest) => ({ ...manifest, run: 'rm' }))],
  ['no runs', () => forged(same, (manifest) => ({ ...manifest, runs: [] }))],
  [
    'a run that its journal lacks',
    () => forged(same, (m) => ({ ...m, runs: [{ ...m.runs[0]!, id: 'run-none' }] })),
  ],
  [
    'a run whose id leads elsewhere',
    () => forged(same, (m) => ({ ...m, runs: [{ ...m.runs[0]!, id: '../../x' }] })),
  ],
  [
    'hashes that are not those',
    () =>
      forged(
        same,
        withFiles(() => ({ sha256: 'a'.repeat(64) })),
      ),
  ],
  [
    'sizes that are too small',
    () =>
      forged(
        same,
        withFiles(({ bytes }) => ({ bytes: Math.max(0, bytes - 1) })),
      ),
  ],
  [
    'sizes that are too large',
    () =>
      forged(
        same,
        withFiles(({ bytes }) => ({ bytes: bytes + 1 })),
      ),
  ],
  [
    'sizes beyond any disk',
    () =>
      forged(
        same,
        withFiles(() => ({ bytes: 1e15 })),
      ),
  ],
  [
    'a negative size',
    () =>
      forged(
        same,
        withFiles(() => ({ bytes: -1 })),
      ),
  ],
  ['a file that is listed twice', () => forged(same, (m) => ({ ...m, files: [...m.files, m.files[0]!] }))],
  [
    'a file that is missing',
    () =>
      forged(
        (entries) => entries.slice(1),
        () => manifestOf(members),
      ),
  ],
  ['a file that is there twice', () => forged((entries) => [...entries, entries[0]!])],
  ['names that differ in case only', () => forged((e) => [...e, { ...e[0]!, name: 'ReadMe.md' }])],
  ['no journal', () => forged((entries) => entries.filter(({ name }) => name !== 'journal.db'))],
  ['a journal that is text', () => forged(replaced(/journal\.db/, () => Buffer.from('SELECT 1')))],
  ['a journal cut in half', () => forged(replaced(/journal\.db/, (b) => b.subarray(0, b.length >> 1)))],
  ['a journal with a changed page', () => forged(replaced(/journal\.db/, flipped(40_000)))],
  ['an empty journal', () => forged(replaced(/journal\.db/, () => Buffer.alloc(0)))],
  ['another trained version', () => forged(replaced(/adapter_model/, flipped(5_000)))],
  ['another configuration of it', () => forged(replaced(/adapter_config/, () => Buffer.from('{}')))],
  ['other rows', () => forged(replaced(/train\.jsonl/, flipped(100)))],
  [
    'a data set without its test rows',
    () => forged((e) => e.filter(({ name }) => !/test\.locked/.test(name))),
  ],
  [
    'a data set whose manifest is no JSON',
    () => forged(replaced(/datasets.*manifest/, () => Buffer.from('x'))),
  ],
  [
    'a data set with another fingerprint',
    () =>
      forged(
        replaced(
          /datasets.*manifest/,
          edited((m) => ({ ...m, fingerprint: 'f'.repeat(16) })),
        ),
      ),
  ],
  [
    'a data set whose files lie elsewhere',
    () =>
      forged(
        replaced(
          /datasets.*manifest/,
          edited((m) => ({
            ...m,
            files: {
              ...(m.files as object),
              train: { ...(m.files as Record<string, object>).train, name: '../../../journal.db' },
            },
          })),
        ),
      ),
  ],
  [
    'a bomb that says so',
    () =>
      forged((e) => [...e, { name: 'library/runs/x/model/model.safetensors', content: Buffer.alloc(400e6) }]),
  ],
  ['a bomb that says it is small', () => lyingBomb()],
  ['a zip file cut in half', () => readFileSync(bundle).subarray(0, 20_000)],
  ['more entries than there are', () => zip(members, 60_000)],
  ['no bytes but its beginning', () => Buffer.from('PK\x03\x04')],
]

function flipped(at: number): (before: Uint8Array) => Uint8Array {
  return (before) => {
    const bytes = Buffer.from(before)
    const place = at % bytes.length
    bytes[place] = bytes[place]! ^ 1
    return bytes
  }
}

function edited(change: (value: Record<string, unknown>) => object): (before: Uint8Array) => Uint8Array {
  return (before) => Buffer.from(JSON.stringify(change(JSON.parse(Buffer.from(before).toString()))))
}

function lyingBomb(): Buffer {
  const path = 'library/runs/x/model/model.safetensors'
  const content = Buffer.alloc(300e6)
  const manifest = manifestOf(members)
  const files = [...manifest.files, { path, bytes: 1000, sha256: sha256Of(content) }]
  return zip([
    { name: 'manifest.json', content: Buffer.from(JSON.stringify({ ...manifest, files })) },
    ...members.filter(({ name }) => name !== 'manifest.json'),
    { name: path, content, saysBytes: 1000 },
  ])
}

test('more than fifty kinds of forged bundles are refused, and nothing of them is in the library', async () => {
  expect(hostile.length).toBeGreaterThan(50)
  const there = elsewhere()
  const before = filesIn(there.library)
  for (const [what, make] of hostile) {
    const path = join(freshLibrary().home, 'forged.tunewright')
    writeFileSync(path, make())
    const result = await bringIn(path, there)
    if (result.ok)
      expect(result.value, what).toMatchObject({ runs: 0, refused: [{ reason: expect.any(String) }] })
    else {
      expect(result.problem.code, what).toMatch(
        /^(file\.unsafe|journal\.(corrupt|foreign-file|missing)|disk\.full)$/,
      )
      expect(result.problem.remedy, what).not.toBe('')
    }
    expect(unwrap(there.reader.listRuns()).total, what).toBe(0)
    expect(unwrap(there.reader.projects()), what).toEqual([])
    expect(filesIn(there.library), what).toEqual(before)
  }
})

test('single flipped bits anywhere in the file are refused or change nothing', async () => {
  const bytes = readFileSync(bundle)
  const wanted = unwrap(real.reader.getRun(real.trained))
  for (let n = 0; n < 40; n += 1) {
    const copy = Buffer.from(bytes)
    const place = Math.floor((n * 2654435761) % bytes.length)
    copy[place] = copy[place]! ^ (1 << (n % 8))
    const there = elsewhere(openLibrary(freshFolder()))
    const path = join(there.library.home, 'flipped.tunewright')
    writeFileSync(path, copy)
    const result = await bringIn(path, there)
    if (result.ok && result.value.refused.length === 0)
      expect(unwrap(there.reader.getRun(real.trained)), `byte ${place}`).toEqual(wanted)
    else expect(unwrap(there.reader.listRuns()).total, `byte ${place}`).toBe(0)
  }
})
