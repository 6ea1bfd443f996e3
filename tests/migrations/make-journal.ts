// Makes a small real journal with a program of the git history: its own terminal trains, measures, is stopped, killed and
// gone on with; what that day's terminal had no command for is written by that day's own writer. Beside the journal it
// keeps what that program itself showed of its runs. How to use it: tests/golden/journals/README.md
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import Database from 'better-sqlite3'
import type { JournalWriter } from '#journal/writer.ts'
import { good } from '../journal/support/sample.ts'

const [checkout = '', out = ''] = process.argv.slice(2)
const root = resolve(checkout)
const work = '/tmp/tunewright-journals'
const home = join(work, 'library')
const journal = join(home, 'journal.db')

function start(...parameters: string[]): ChildProcess {
  const main = join(root, 'src/cli/main.ts')
  const flags = ['--disable-warning=ExperimentalWarning', main, '--home', home, ...parameters]
  return spawn(process.execPath, flags, { cwd: work, stdio: ['ignore', 'pipe', 'inherit'] })
}

async function cli<T>(...parameters: string[]): Promise<T> {
  const child = start('--json', ...parameters)
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  await new Promise((done) => child.once('close', done))
  process.stderr.write(`${parameters.join(' ')}\n`)
  if (child.exitCode !== 0) throw new Error(`it did not do it: ${text}`)
  return JSON.parse(text) as T
}

const load = (file: string) => import(pathToFileURL(join(root, file)).href)

/** Asked beside the program that writes. */
function ask<T>(question: string, ...values: readonly unknown[]): T {
  const db = new Database(journal, { readonly: true })
  try {
    return db
      .prepare(question)
      .pluck()
      .get(...values) as T
  } finally {
    db.close()
  }
}

const schema = (): number => ask('SELECT max(version) FROM migrations')

const teams = ['money', 'shipping', 'access'] as const
const subjects = ['bill', 'parcel', 'password', 'refund', 'courier', 'login'] as const
const messages = Array.from({ length: 72 }, (_, n) => {
  const subject = subjects[(n * 5) % 6]
  return `${['my', 'about my', 'where is the'][n % 3]} ${subject} number ${n},${teams[((n * 5) % 6) % 3]}`
})
const questions = Array.from(
  { length: 40 },
  (_, n) => `What colour is item ${n}?,It is the ${['crimson', 'blue', 'green'][n % 3]} one`,
)
const texts = Array.from({ length: 12 }, (_, n) => `Bell ${n} rings at ${n} o'clock and is cast in bronze.`)

function writeRecipe(name: string, settings: object): string {
  const path = join(work, `${name.toLowerCase().replaceAll(' ', '-')}.yaml`)
  writeFileSync(path, JSON.stringify({ name, threads: 1, ...settings }, null, 1))
  return path
}

interface Trained {
  readonly runId: string
}

/** Begins to train, and ends the program with this signal once the journal holds so many steps. Gives back the run. */
async function trainUntil(recipe: string, steps: number, signal: 'SIGKILL' | 'SIGINT'): Promise<string> {
  const runs = ask<number>('SELECT count(*) FROM runs')
  const child = start('train', recipe)
  while (ask<number>('SELECT count(*) FROM runs') === runs) await wait(20)
  const id = ask<string>('SELECT max(id) FROM runs')
  const done = "SELECT count(*) FROM events WHERE run_id = ? AND kind = 'step'"
  while (ask<number>(done, id) < steps) await wait(20)
  child.kill(signal)
  await new Promise((gone) => child.once('close', gone))
  return id
}

rmSync(work, { recursive: true, force: true })
mkdirSync(work, { recursive: true })
writeFileSync(join(work, 'messages.csv'), `message,team\n${messages.join('\n')}\n`)
writeFileSync(join(work, 'questions.csv'), `question,answer\n${questions.join('\n')}\n`)
writeFileSync(join(work, 'bells.csv'), `text\n${texts.join('\n')}\n`)
const { writeTinyModel } = await load('tests/processes/tiny-model.ts')
writeTinyModel(join(work, 'tiny-llama'))
const { id: model } = await cli<{ id: string }>('models', 'add', join(work, 'tiny-llama'))

const base = {
  model,
  scenario: 'classification',
  data: { path: 'messages.csv', columns: { text: 'message', label: 'team' } },
  method: { rank: 4, alpha: 8 },
  optimizer: { learningRate: 0.01 },
  batch: { microRows: 4, maxTokens: 200 },
  duration: { epochs: 1, maxSteps: 8 },
  evaluation: { everySteps: 4 },
}
const { runId: first } = await cli<Trained>('train', writeRecipe('Teams', base))
await cli('proof', first)
const wider = { ...base, method: { rank: 8, alpha: 16 }, optimizer: { learningRate: 0.003 }, seed: 7 }
const { runId: second } = await cli<Trained>('train', writeRecipe('Teams wider', wider))
await cli('proof', second)
const asked = {
  ...base,
  scenario: 'question-answering',
  data: { path: 'questions.csv', columns: { question: 'question', answer: 'answer' }, testShare: 0.4 },
}
const { runId: third } = await cli<Trained>('train', writeRecipe('Colours', asked))
await cli('proof', third)
const slow = { ...base, batch: { microRows: 16, maxTokens: 200 }, duration: { epochs: 12 } }
await cli('runs', 'resume', await trainUntil(writeRecipe('In two parts', slow), 2, 'SIGINT'))
await trainUntil(writeRecipe('Power cut', { ...slow, duration: { epochs: 900 } }), 3, 'SIGKILL')
// Its trainer notices that it is alone; the next start marks the run as interrupted.
await wait(3_000)
await cli('runs', 'list')

const isLater = (await load('src/shared/recipe.ts')).recipeDraft.shape.before !== undefined
if (isLater) {
  const head = { ...base, method: { kind: 'head' }, optimizer: { learningRate: 0.05 } }
  const { runId } = await cli<Trained>('train', writeRecipe('Last layer', head))
  await cli('proof', runId)
  await cli('train', writeRecipe('Bells first', { ...base, before: { path: 'bells.csv' } }))
}

async function search(): Promise<void> {
  const recipe = writeRecipe('Which rate', { ...base, name: 'Teams' })
  const space = ['--space', 'optimizer.learningRate=0.001..0.1:log', '--space', 'method.rank=2..8']
  const limits = ['--trials', '4', '--confirm', '2', '--sampler', 'random', '--seed', '3']
  await cli('studies', 'start', recipe, '--name', 'Which rate', ...space, ...limits)
}

if (schema() >= 8) {
  await search()
  await cli('runs', 'repeat', first)
  await cli('runs', 'retry', second, '--set', 'method.rank=6')
  await cli('runs', 'rate', first, '4')
  await cli('runs', 'pin', second)
  await cli('runs', 'archive', third)
  const view = { name: 'Good ones', query: { minRating: 4 } }
  await cli('call', 'experiments.saveView', JSON.stringify(view))
  await cli('journal', 'check')
}

// What a person removed is hidden since schema 6.
const mistake =
  schema() < 6
    ? null
    : (await cli<Trained>('train', writeRecipe('A mistake', { ...base, duration: { maxSteps: 2 } }))).runId

const writer: JournalWriter = good((await load('src/journal/writer.ts')).openJournalWriter(journal))
good(writer.setNotes(first, 'First night.\nThe café table is sorted at last.'))
good(writer.setTags(first, ['quick', 'für später']))
good(writer.setNotes(second, 'Twice as wide; no gain that I can see.'))
if (mistake !== null) good(writer.removeRuns([mistake]))
good(writer.close())

const runIds = readIds()
function readIds(): string[] {
  const db = new Database(journal, { readonly: true })
  const hidden = schema() >= 6 ? 'WHERE removed_at_ms IS NULL' : ''
  const ids = db.prepare(`SELECT id FROM runs ${hidden} ORDER BY id`).pluck().all() as string[]
  db.close()
  return ids
}
const shown: unknown[] = []
for (const id of runIds) shown.push(await cli('runs', 'show', id))

const whole = new Database(journal)
whole.exec(`VACUUM INTO '${join(work, 'small.db')}'`)
whole.close()
const pack = (name: string, bytes: string | Buffer): void =>
  writeFileSync(`${out}${name}.br`, brotliCompressSync(bytes))
pack('.db', readFileSync(join(work, 'small.db')))
pack('.shown.json', JSON.stringify(shown))
