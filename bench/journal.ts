// How fast a journal of many years answers, and how large it is: `npx node bench/journal.ts [RUNS] [EVENTS PER RUN] [HOME]`,
// 10,000 runs of 500 events unless told, three in ten of them trials of studies, a third proved with 20 answers of 40 words
// by each version; the journal in HOME is kept and used again. Measured in the core, without any screen.
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openForReading } from '#journal/connection.ts'
import { openJournalReader } from '#journal/reader.ts'
import { restoreBackup } from '#journal/restore.ts'
import { openJournalWriter } from '#journal/writer.ts'
import type { RunQuery } from '#shared/journal-commands.ts'
import { type Result, unwrap } from '#shared/result.ts'
import { writeManyRuns } from './many-experiments.ts'

const runs = Number(process.argv[2] ?? 10_000)
const eventsPerRun = Number(process.argv[3] ?? 500)
const keptHome = process.argv[4]
const times = 9

const folder = mkdtempSync(join(tmpdir(), 'tunewright-journal-bench-'))
const home = keptHome ?? folder
mkdirSync(home, { recursive: true })
const path = join(home, 'journal.db')
const load = (): string => `load ${loadavg()[0]?.toFixed(1)}`
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`
const row = (...cells: string[]): void => console.log(`| ${cells.join(' | ')} |`)

if (!existsSync(path)) {
  const startMs = performance.now()
  writeManyRuns(path, { runs, eventsPerRun, trials: Math.floor(runs * 0.3), wordsPerAnswer: 40 })
  console.log(`written in ${seconds(performance.now() - startMs)}`)
}
console.log(`${runs} runs, ${runs * eventsPerRun} events, ${megabytes(statSync(path).size)}; ${load()}`)

/** Median and slowest of some tries, the first left out; beside them the processor's time, which a busy machine leaves as it is. */
function measure(what: string, work: () => unknown): void {
  work()
  const found: number[] = []
  const before = process.cpuUsage()
  for (let n = 0; n < times; n++) {
    const beginMs = performance.now()
    work()
    found.push(performance.now() - beginMs)
  }
  const { user, system } = process.cpuUsage(before)
  found.sort((a, b) => a - b)
  const ms = (n: number): string => `${(found[n] ?? 0).toFixed(0)} ms`
  row(what, ms(Math.floor(times / 2)), ms(times - 1), `${((user + system) / 1000 / times).toFixed(0)} ms`)
}

function once<T>(what: string, work: () => Result<T>): T {
  const before = process.cpuUsage()
  const beginMs = performance.now()
  const value = unwrap(work())
  const { user, system } = process.cpuUsage(before)
  row(what, seconds(performance.now() - beginMs), '', seconds((user + system) / 1000))
  return value
}

row('what', 'median', 'slowest', 'processor')
row('---', '---', '---', '---')
const reader = once('open for reading', () => openJournalReader(path))
const list = (what: string, query: RunQuery): void =>
  measure(`${what} (${unwrap(reader.experiments(query)).total} runs)`, () =>
    unwrap(reader.experiments(query)),
  )

const [first] = unwrap(reader.projects())
const [study] = unwrap(reader.studies())
list('list, first page', {})
list('list, last page of all', { hasTrials: true, offset: runs - 100 })
list('list by best loss', { sort: 'bestLoss', order: 'ascending' })
list('list by rating', { sort: 'rating' })
list('list by learning rate, out of the recipe', { sort: 'learningRate' })
list('list by the value of the newest proof', { sort: 'proof' })
list('filter: a project', { projectId: first?.id ?? '' })
list('filter: a tag', { tag: 'keep' })
list('filter: verdict "better"', { verdict: 'better' })
list('filter: at least 4 stars, trials too', { minRating: 4, hasTrials: true })
list('filter: trials of a study', { studyId: study?.id ?? '' })
const proved = unwrap(reader.experiments({ limit: 1000 })).rows.filter(({ proof }) => proof !== null)
const five = proved.slice(0, 5).map(({ id }) => id)
const words = unwrap(reader.newestEvaluation(five[0] ?? '', 'tuned'))?.answers.flatMap(({ answer }) =>
  answer.split(' '),
)
const rank = (word: string): number => Number(/\d+$/.exec(word)?.[0])
const byRank = [...new Set(words)].sort((a, b) => rank(a) - rank(b))
list('search: a word of the notes', { text: 'holidays' })
list('search: a frequent word of answers', { text: byRank[0] ?? '', hasTrials: true })
list('search: a rare word of answers', { text: byRank.at(-1) ?? '', hasTrials: true })
list('search: the first letter of many words', { text: 'b', hasTrials: true })
list('search: two words, one in the notes, one in answers', {
  text: `steady ${byRank[0]}`,
  hasTrials: true,
})
list('search: a word that is nowhere', { text: 'zebra' })
measure(`compare: curves of ${five.length} runs`, () => five.map((id) => unwrap(reader.thinCurve(id, 400))))
measure(`compare: answers of ${five.length} runs`, () =>
  five.map((id) => unwrap(reader.newestEvaluation(id, 'tuned'))),
)
measure('studies, and the trials of one', () => [
  unwrap(reader.studies()),
  unwrap(reader.trials(study?.id ?? '')),
])
measure('one run in full', () => unwrap(reader.getRun(five[0] ?? '')))

const db = openForReading(path)
const sizes = db
  .prepare(
    `SELECT CASE WHEN name LIKE 'search%' OR name LIKE '%search_documents%' THEN 'index of words'
      WHEN name LIKE 'runs_by%' THEN 'indexes of runs' ELSE name END AS what, sum(pgsize) AS bytes
     FROM dbstat WHERE aggregate = TRUE GROUP BY 1 ORDER BY 2 DESC LIMIT 6`,
  )
  .all() as { what: string; bytes: number }[]
const searched = db
  .prepare(
    'SELECT (SELECT sum(octet_length(answer)) FROM answers) + (SELECT sum(octet_length(name) + octet_length(notes)) FROM runs)',
  )
  .pluck()
  .get() as number
db.close()
row('on the disk', megabytes(statSync(path).size), '', '')
for (const { what, bytes } of sizes) row(`... ${what}`, megabytes(bytes), '', '')
row('... text that is searched', megabytes(searched), '', '')
reader.close()

const writer = once('open for writing', () =>
  openJournalWriter(path, { backupsFolder: join(folder, 'backups') }),
)
once('verified backup', () => writer.backup())
once('close', () => writer.close())
once('restore of the newest backup, with the list of what it lacks', () =>
  restoreBackup(path, { folder: join(folder, 'backups') }),
)
console.log(load())
rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
