// Texts of a field for a first stage: read as the domain scenario reads them, and nothing of what is locked for the proof.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkData, type PreparedData, prepareData } from '#core/data/check-data.ts'
import { keepDataset } from '#core/data/import-dataset.ts'
import { readLeftOut, readSplit } from '#core/data/index.ts'
import { findLocked } from '#core/data/locked-texts.ts'
import { createPreparedTexts, prepareStageTexts } from '#core/data/stage-texts.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import { attemptAsync, unwrap } from '#shared/result.ts'
import { problemOf } from '../models/places.ts'
import { openWorkshop, type Workshop } from './data-support.ts'

let workshop: Workshop
beforeEach(() => {
  workshop = openWorkshop()
})
afterEach(() => workshop.remove())

const passages = Array.from(
  { length: 30 },
  (_, i) => `Chapter ${i}. ${'Grease the thread, then turn it. '.repeat(30)}`,
)
const folderOf = (fingerprint: string): string => `${workshop.library.datasetsFolder}/${fingerprint}`

test('every text is there to learn from, none to measure on', async () => {
  const path = workshop.write('handbook.md', passages.join('\n\n'))
  const texts = await prepareStageTexts({ path, columns: null }, null)
  const { counts, fingerprint, scenario } = await keepDataset(workshop.library, texts, 'domain')
  expect(scenario).toBe('domain')
  expect(counts).toMatchObject({ validation: 0, test: 0, leftOut: 0 })
  const rows = unwrap(await readSplit(folderOf(fingerprint), 'train'))
  expect(rows).toHaveLength(counts.train)
  expect(rows.map(({ fields }) => fields.text).join(' ')).toContain('Chapter 29.')
  expect(unwrap(await readSplit(folderOf(fingerprint), 'validation'))).toEqual([])
})

test('one text is enough, and the column may be named', async () => {
  const path = workshop.write('one.csv', 'id,note,body\n1,short,"Turn the pedal to the left."\n')
  const { read, split } = await prepareStageTexts({ path, columns: { text: 'body' } }, null)
  expect(read.rows.map(({ fields }) => fields)).toEqual([{ text: 'Turn the pedal to the left.' }])
  expect(unwrap(split)).toEqual(['train'])
})

test.each([
  ['an empty file', 'texts.md', ' \n\n', 'table.empty'],
  ['rows without a text', 'texts.csv', 'text\n""\n""\n', 'data.too-few-rows'],
  [
    'columns that cannot be told apart',
    'texts.csv',
    'a,b\none two,three four\nfive six,seven eight\n',
    'data.columns',
  ],
])('%s is a Problem of the first stage', async (_, name, content, code) => {
  const path = workshop.write(name, content)
  const problem = problemOf(await attemptAsync(() => prepareStageTexts({ path, columns: null }, null)))
  expect(problem.code).toBe(code)
  expect(problem.where).toMatch(new RegExp(`^${name}.*the file of the first stage`))
})

test.each([
  ['blanks only', 'texts.txt', Buffer.from(' \n\n'), /^Bring a plain text file/],
  ['no byte', 'texts.txt', Buffer.alloc(0), /^Bring a plain text file/],
  ['a picture', 'cover.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10]), /^Bring a plain text file/],
  ['a PDF', 'book.pdf', Buffer.from('%PDF-1.7\n'), /save a PDF or Word document as text first/],
  ['bytes', 'texts.txt', Buffer.alloc(500, 1), /^Bring a plain text file/],
  [
    'a Word document or a spreadsheet',
    'book.docx',
    Buffer.from('PK\u0003\u0004 more'),
    /as text first\. If it is a spreadsheet, .*CSV/,
  ],
  ['a compressed file', 'texts.gz', Buffer.from([0x1f, 0x8b, 8, 0]), /^Unpack it first/],
])('%s: what to bring instead is a text', async (_, name, bytes, remedy) => {
  const path = workshop.write(name, bytes)
  const { remedy: said } = problemOf(
    await attemptAsync(() => prepareStageTexts({ path, columns: null }, null)),
  )
  expect(said).toMatch(remedy)
  expect(said).not.toContain('one example a row')
  const rows = await checkData(path, { scenario: 'classification' })
  expect(problemOf(rows).remedy).not.toContain('plain text file')
})

test('a file that is not there is a Problem of the first stage', async () => {
  const gone = await attemptAsync(() => prepareStageTexts({ path: '/nowhere/texts.md', columns: null }, null))
  expect(problemOf(gone).where).toContain('the file of the first stage')
})

test('a text that also stands among the locked rows is left out with its reason', async () => {
  const messages = Array.from(
    { length: 60 },
    (_, i) => `My lamp number ${i} has stopped working since last week`,
  )
  const rows = messages.map((message, i) => `"${message}",team ${i % 2}`).join('\n')
  const scenario = 'classification'
  const prepared = await prepareData(workshop.write('mail.csv', `text,label\n${rows}\n`), { scenario })
  const parts = unwrap(prepared.split)
  const path = workshop.write(
    'archive.jsonl',
    messages
      .map((message) => JSON.stringify({ text: `Letter of the day: ${message.toUpperCase()}.` }))
      .join('\n'),
  )
  const texts = await prepareStageTexts({ path, columns: null }, { prepared, scenario })
  const locked = parts.filter((part) => part === 'test').length
  expect(locked).toBeGreaterThan(5)
  expect(texts.read.rows).toHaveLength(60 - locked)
  expect(unwrap(texts.split)).toHaveLength(60 - locked)
  const { fingerprint } = await keepDataset(workshop.library, texts, 'domain')
  const leftOut = unwrap(await readLeftOut(folderOf(fingerprint)))
  expect(leftOut).toHaveLength(locked)
  expect(leftOut[0]?.reason).toContain('locked rows')
  const onlyLocked = workshop.write(
    'locked.jsonl',
    messages
      .filter((_, i) => parts[i] === 'test')
      .map((text) => JSON.stringify({ text }))
      .join('\n'),
  )
  const none = attemptAsync(() =>
    prepareStageTexts({ path: onlyLocked, columns: null }, { prepared, scenario }),
  )
  expect(problemOf(await none)).toMatchObject({
    code: 'data.too-few-rows',
    message: expect.stringMatching(/None of the .* locked/),
  })
})

test('a text is locked where it holds a locked text as a whole or is a part of one; short ones tell nothing', async () => {
  const document =
    'The boats are washed on Friday evening. All members help, and the harbour warden brings the cloths.'
  const row = (fields: Record<string, string>) => ({ rowId: 'r0', line: 1, fields })
  const locked = [
    row({ document, summary: 'Boats are washed together on Fridays by all members.' }),
    row({ document: 'Ships.', summary: 'Short.' }),
  ]
  const of = async (text: string) => (await findLocked([text], locked, scenarioOf('summarisation')))[0]
  expect(await of(`Notice. ${document.replaceAll(' ', '\n')} Signed.`)).toBe(true)
  expect(await of('ALL MEMBERS HELP, AND THE HARBOUR WARDEN BRINGS THE CLOTHS.')).toBe(true)
  expect(await of('We know: boats are washed together on Fridays by all members. So be it.')).toBe(true)
  expect(await of('All members help, and the harbour warden brings the oars.')).toBe(false)
  expect(await of('Ships.')).toBe(false)
})

// A file of some hundred megabytes held every screen up for as long as it was looked through.
test('others have their turn while texts are looked through, and a place at a border is looked at too', async () => {
  const locked = 'the harbour warden brings the cloths on friday'
  const row = { rowId: 'r0', line: 1, fields: { text: locked, label: 'a' } }
  const filler = Array.from({ length: 40_000 }, (_, i) => `page ${i} of many.`).join(' ')
  const borders = Array.from({ length: 8 }, (_, i) => `${filler.slice(0, 199_980 + 5 * i)} ${locked}`)
  let turns = 0
  let isOver = false
  const others = (async () => {
    for (; !isOver; turns += 1) await new Promise((resolve) => setImmediate(resolve))
  })()
  const found = await findLocked([filler, ...borders], [row], scenarioOf('classification'))
  const seen = turns
  isOver = true
  await others
  expect(found).toEqual([false, ...borders.map(() => true)])
  expect(seen).toBeGreaterThan(10)
})

// They stayed for the life of the program.
test('texts are kept for the screens while their rows are, and no longer', async () => {
  const path = workshop.write('handbook.md', passages.join('\n\n'))
  const mail = workshop.write(
    'mail.csv',
    `text,label\n${Array.from({ length: 40 }, (_, i) => `"Message number ${i * 37}",${i % 2}`).join('\n')}\n`,
  )
  const scenario = 'classification'
  let kept: PreparedData | null = null
  const prepareTexts = createPreparedTexts(async (data) => {
    kept ??= await prepareData(data.path, { scenario: 'domain' })
    return kept
  })
  const prepared = await prepareData(mail, { scenario })
  const ask = () => prepareTexts({ path, columns: null }, { prepared, scenario })
  const seen = new WeakRef(await ask())
  expect((await ask()) === seen.deref()).toBe(true)
  kept = null
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  await expect
    .poll(() => {
      collect()
      return seen.deref() === undefined
    })
    .toBe(true)
})
