// Import: what lies in the library afterwards, that it is always the same, and that every later change is noticed.
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { datasetFolder, importDataset, readLeftOut, readManifest, readSplit } from '#core/data/index.ts'
import { openTestSet } from '#core/data/test-set.ts'
import { openWatchedFile } from '#core/data/watched-file.ts'
import { sha256File } from '#core/system/durable-files.ts'
import type { DatasetManifest, TestSetOpening } from '#shared/dataset.ts'
import { attemptAsync, ProblemError, unwrap } from '#shared/result.ts'
import { findShared } from '../../support/models.ts'
import { draftOf, fixture, messagesCsv, openWorkshop, type Workshop } from './data-support.ts'

let workshop: Workshop
beforeEach(() => {
  workshop = openWorkshop()
})
afterEach(() => workshop.remove())

const importCsv = async (text: string, rest = {}): Promise<{ manifest: DatasetManifest; folder: string }> => {
  const path = workshop.write('messages.csv', text)
  const manifest = unwrap(await importDataset(workshop.library, draftOf(path, rest), 'classification'))
  return { manifest, folder: datasetFolder(workshop.library, manifest.fingerprint) }
}
const nothing = async (): Promise<void> => {}

describe('what is kept', () => {
  test('the parts, the rows left out, and a manifest that names every byte', async () => {
    const { manifest, folder } = await importCsv(`${messagesCsv(100)}"",label 1\n`)
    expect(readdirSync(folder).toSorted()).toEqual([
      'left-out.jsonl',
      'manifest.json',
      'test.locked.jsonl',
      'train.jsonl',
      'validation.jsonl',
    ])
    expect(manifest).toMatchObject({
      scenario: 'classification',
      counts: { train: 65, validation: 15, test: 20, leftOut: 1 },
      columns: { text: 'text', label: 'label' },
      labels: ['label 0', 'label 1', 'label 2'],
      split: { seed: 7, validationShare: 0.15, testShare: 0.2 },
      source: { name: 'messages.csv' },
    })
    expect(basename(folder)).toBe(manifest.fingerprint)
    for (const file of Object.values(manifest.files))
      expect(await sha256File(join(folder, file.name))).toBe(file.sha256)
    expect(unwrap(await readManifest(folder))).toEqual(manifest)
    expect(unwrap(await readLeftOut(folder))).toEqual([
      { line: 102, reason: 'The text is empty.', excerpt: 'label 1' },
    ])
  })

  test('every row is in exactly one part, unchanged and with its line', async () => {
    const { folder } = await importCsv(messagesCsv(100))
    const rows = [
      ...unwrap(await readSplit(folder, 'train')),
      ...unwrap(await readSplit(folder, 'validation')),
      ...unwrap(await openTestSet(folder, nothing)),
    ]
    expect(rows.map(({ line }) => line).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 2),
    )
    for (const { rowId, line, fields } of rows) {
      expect(rowId).toBe(`r${line - 1}`)
      expect(fields).toEqual({ text: `Message number ${line - 2}, please`, label: `label ${(line - 2) % 3}` })
    }
  })

  test('text is kept to the last blank, only labels lose the white space around them', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `" Text\t${i}  ", label ${i % 2} `)
    const { folder } = await importCsv(`text,label\n${rows.join('\n')}\n`)
    const [row] = unwrap(await readSplit(folder, 'train'))
    expect(row!.fields).toEqual({
      text: expect.stringMatching(/^ Text\t\d+ {2}$/),
      label: expect.stringMatching(/^label \d$/),
    })
  })
})

describe('the same content is the same data set', () => {
  test('importing again changes nothing on disk', async () => {
    const first = await importCsv(messagesCsv(60))
    const before = readFileSync(join(first.folder, 'manifest.json'), 'utf8')
    const second = await importCsv(messagesCsv(60))
    expect(second.manifest).toEqual(first.manifest)
    expect(readFileSync(join(first.folder, 'manifest.json'), 'utf8')).toBe(before)
    expect(readdirSync(workshop.library.datasetsFolder)).toEqual([first.manifest.fingerprint])
  })

  test('in another library and under another name: the same fingerprint and the same bytes', async () => {
    const { manifest } = await importCsv(messagesCsv(60))
    const other = openWorkshop()
    const path = other.write('renamed.csv', messagesCsv(60))
    const again = unwrap(await importDataset(other.library, draftOf(path), 'classification'))
    other.remove()
    expect({ ...again, source: null }).toEqual({ ...manifest, source: null })
  })

  test('two imports at the same moment end in one data set', async () => {
    const draft = draftOf(workshop.write('messages.csv', messagesCsv(300)))
    const results = await Promise.all(
      Array.from({ length: 4 }, () => importDataset(workshop.library, draft, 'classification')),
    )
    expect(new Set(results.map((result) => unwrap(result).fingerprint)).size).toBe(1)
    expect(readdirSync(workshop.library.datasetsFolder)).toHaveLength(1)
  })

  test.each([
    ['another seed', messagesCsv(60), { splitSeed: 8 }],
    ['another share', messagesCsv(60), { testShare: 0.3 }],
    ['one letter', messagesCsv(60).replace('number 7', 'Number 7'), {}],
    ['one label', messagesCsv(60).replace('label 1', 'label 2'), {}],
    ['other columns', messagesCsv(60).replace('text,label', 'a,b'), { columns: { text: 'a', label: 'b' } }],
    ['a row left out', `${messagesCsv(60)}"",label 1\n`, {}],
  ])('%s makes another data set', async (_, text, rest) => {
    const { manifest } = await importCsv(messagesCsv(60))
    expect((await importCsv(text, rest)).manifest.fingerprint).not.toBe(manifest.fingerprint)
  })

  test('the fingerprint of a known file does not drift', async () => {
    const { manifest } = await importCsv(messagesCsv(60))
    expect(manifest.fingerprint).toBe('e9c8a9ffe44e7374')
  })
})

describe('the lock on the test set', () => {
  test('the opening is recorded before a row is handed out', async () => {
    const { manifest, folder } = await importCsv(messagesCsv(100))
    const openings: TestSetOpening[] = []
    let isRecorded = false
    const rows = unwrap(
      await openTestSet(folder, async (opening) => {
        openings.push(opening)
        await new Promise((resolve) => setTimeout(resolve, 5))
        isRecorded = true
      }),
    )
    expect(isRecorded).toBe(true)
    expect(rows).toHaveLength(20)
    expect(openings).toEqual([
      { datasetFingerprint: manifest.fingerprint, rows: 20, sha256: manifest.files.test.sha256 },
    ])
  })

  test('where the opening cannot be recorded, the file is not even read', async () => {
    const { folder } = await importCsv(messagesCsv(100))
    rmSync(join(folder, 'test.locked.jsonl'))
    const problem = {
      code: 'journal.locked',
      message: 'The journal is in use.',
      where: 'journal.db',
      remedy: 'Close the other window.',
    } as const
    const result = await openTestSet(folder, async () => {
      throw new ProblemError(problem)
    })
    expect(result).toEqual({ ok: false, problem })
  })
})

describe('damage in the library', () => {
  test.each(['train', 'validation', 'test'] as const)(
    'one changed byte in the %s part is noticed',
    async (part) => {
      const { manifest, folder } = await importCsv(messagesCsv(100))
      const path = join(folder, manifest.files[part].name)
      chmodSync(path, 0o600)
      writeFileSync(path, readFileSync(path, 'utf8').replace('Message', 'message'))
      const result = part === 'test' ? await openTestSet(folder, nothing) : await readSplit(folder, part)
      expect(result).toMatchObject({ ok: false, problem: { code: 'data.damaged' } })
      const again = await importDataset(
        workshop.library,
        draftOf(workshop.write('messages.csv', messagesCsv(100))),
        'classification',
      )
      expect(again).toMatchObject({ ok: false, problem: { code: 'data.damaged' } })
    },
  )

  test('a broken manifest and a missing one', async () => {
    const { folder } = await importCsv(messagesCsv(100))
    for (const content of ['', '{', '{"version":2}', '[]']) {
      writeFileSync(join(folder, 'manifest.json'), content)
      expect(await readSplit(folder, 'train')).toMatchObject({ ok: false, problem: { code: 'data.damaged' } })
    }
    rmSync(join(folder, 'manifest.json'))
    expect(await readManifest(folder)).toMatchObject({ ok: false, problem: { code: 'data.unknown' } })
    // "Import the file again" would be no help to somebody who just does.
    const draft = draftOf(workshop.write('messages.csv', messagesCsv(100)))
    expect(await importDataset(workshop.library, draft, 'classification')).toMatchObject({
      ok: false,
      problem: { code: 'data.damaged', remedy: expect.stringContaining('Remove this folder') },
    })
  })

  test('a library that cannot be written is a Problem, and nothing is left', async () => {
    rmSync(workshop.library.datasetsFolder, { recursive: true })
    writeFileSync(workshop.library.datasetsFolder, 'not a folder')
    const path = workshop.write('messages.csv', messagesCsv(100))
    const result = await importDataset(workshop.library, draftOf(path), 'classification')
    expect(result).toMatchObject({ ok: false, problem: { code: 'disk.failed' } })
  })
})

describe('a file that changes while it is read', () => {
  const bytes = Buffer.from(messagesCsv(40_000))

  test('the same size and time, other content: noticed by the hash', async () => {
    const path = workshop.write('a.csv', bytes)
    utimesSync(path, 1_700_000_000, 1_700_000_000)
    const result = await attemptAsync(async () => {
      const file = await openWatchedFile(path)
      try {
        await file.source.read(0, 1000)
        const other = Buffer.from(bytes)
        other[500_000] = 0x21
        writeFileSync(path, other)
        utimesSync(path, 1_700_000_000, 1_700_000_000)
        await file.source.read(1000, file.source.sizeBytes - 1000)
        await file.confirmUnchanged()
      } finally {
        await file.close()
      }
    })
    expect(result).toMatchObject({ ok: false, problem: { code: 'file.changed' } })
  })

  test.each([
    ['cut short', (path: string) => truncateSync(path, 1000)],
    ['appended to', (path: string) => appendFileSync(path, 'one more,label 1\n')],
    [
      'replaced',
      (path: string) => {
        rmSync(path)
        writeFileSync(path, bytes)
      },
    ],
    ['removed', (path: string) => rmSync(path)],
    [
      'made a folder',
      (path: string) => {
        rmSync(path)
        mkdirSync(path)
      },
    ],
  ])(
    '%s at random moments of an import: a data set or one typed Problem, never a throw',
    async (_, change) => {
      const codes = new Set<string>()
      for (const waitMs of [0, 1, 3, 8, 20, 40, 80]) {
        const path = workshop.write(`a${waitMs}.csv`, bytes)
        const running = importDataset(workshop.library, draftOf(path), 'classification')
        await new Promise((resolve) => setTimeout(resolve, waitMs))
        change(path)
        const result = await running
        codes.add(result.ok ? 'ok' : result.problem.code)
        rmSync(path, { recursive: true, force: true })
      }
      expect([
        'ok',
        'file.changed',
        'file.missing',
        'file.unsafe',
        'file.unreadable',
        'data.too-few-rows',
      ]).toEqual(expect.arrayContaining([...codes]))
    },
  )
})

describe('whole files', () => {
  test('the fixture with known trouble', async () => {
    const draft = draftOf(fixture('german-tickets-cp1252.csv'))
    const manifest = unwrap(await importDataset(workshop.library, draft, 'classification'))
    expect(manifest.counts).toEqual({ train: 9, validation: 2, test: 3, leftOut: 4 })
    expect(manifest).toMatchObject({ duplicateRows: 2, contradictions: 1 })
  })

  const realdata = findShared('realdata')
  test.skipIf(realdata === null).each([
    ['classification_spam.jsonl', 'classification', 1153],
    ['qa_faq_perl.jsonl', 'question-answering', 301],
    ['messy/llamafactory_alpaca_en_demo.json', 'question-answering', 999],
    ['instruct_human.jsonl', 'question-answering', 427],
  ] as const)('real rows of %s', async (name, scenario, usable) => {
    const manifest = unwrap(await importDataset(workshop.library, draftOf(join(realdata!, name)), scenario))
    const { train, validation, test: tested } = manifest.counts
    expect(train + validation + tested).toBe(usable)
    const folder = datasetFolder(workshop.library, manifest.fingerprint)
    expect(unwrap(await readSplit(folder, 'train'))).toHaveLength(train)
    expect(unwrap(await openTestSet(folder, nothing))).toHaveLength(tested)
  })
})
