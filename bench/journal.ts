// How fast a journal of many years answers, and how large it is: `npx node bench/journal.ts [RUNS] [EVENTS PER RUN] [HOME]`,
// 10,000 runs of 500 events unless told, three in ten of them trials of studies, a third proved with 20 answers of 40 words
// by each version; the journal in HOME is kept and used again. Measured in the core, without any screen.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openForReading } from '#journal/connection.ts'
import { openJournalReader } from '#journal/reader.ts'
import { restoreBackup } from '#journal/restore.ts'
import { openJournalWriter } from '#journal/writer.ts'
import type { RunQuery } from '#shared/journal-commands.ts'
import { type Result, unwrap } from '#shared/result.ts'
import { measureExperimentCalls } from './experiment-calls.ts'
import { writeManyRuns } from './many-experiments.ts'
import { head, loadNow, measure, row } from './timed-rows.ts'

const runs = Number(process.argv[2] ?? 10_000)
const eventsPerRun = Number(process.argv[3] ?? 500)
const keptHome = process.argv[4]

const folder = mkdtempSync(join(tmpdir(), 'tunewright-journal-bench-'))
const home = keptHome ?? folder
mkdirSync(home, { recursive: true })
const path = join(home, 'journal.db')
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`

if (!existsSync(path)) {
  const startMs = performance.now()
  writeManyRuns(path, { runs, eventsPerRun, trials: Math.floor(runs * 0.3), wordsPerAnswer: 40 })
  console.log(`written in ${seconds(performance.now() - startMs)}`)
}
console.log(`${runs} runs, ${runs * eventsPerRun} events, ${megabytes(statSync(path).size)}; ${loadNow()}`)

function once<T>(what: string, work: () => Result<T>): T {
  const before = process.cpuUsage()
  const beginMs = performance.now()
  const value = unwrap(work())
  const { user, system } = process.cpuUsage(before)
  row(what, seconds(performance.now() - beginMs), '', seconds((user + system) / 1000))
  return value
}

head()
const reader = once('open for reading', () => openJournalReader(path))
const list = (what: string, query: RunQuery): Promise<void> =>
  measure(`${what} (${unwrap(reader.experiments(query)).total} runs)`, () =>
    unwrap(reader.experiments(query)),
  )

const [first] = unwrap(reader.projects())
const [study] = unwrap(reader.studies())
await list('list, first page', {})
await list('list, last page of all', { hasTrials: true, offset: runs - 100 })
await list('list by best loss', { sort: 'bestLoss', order: 'ascending' })
await list('list by rating', { sort: 'rating' })
await list('list by learning rate, out of the recipe', { sort: 'learningRate' })
await list('list by the value of the newest proof', { sort: 'proof' })
await list('filter: a project', { projectId: first?.id ?? '' })
await list('filter: a tag', { tag: 'keep' })
await list('filter: verdict "better"', { verdict: 'better' })
await list('filter: at least 4 stars, trials too', { minRating: 4, hasTrials: true })
await list('filter: trials of a study', { studyId: study?.id ?? '' })
const proved = unwrap(reader.experiments({ limit: 1000 })).rows.filter(({ proof }) => proof !== null)
const words = unwrap(reader.newestEvaluation(proved[0]?.id ?? '', 'tuned'))?.answers.flatMap(({ answer }) =>
  answer.split(' '),
)
const rank = (word: string): number => Number(/\d+$/.exec(word)?.[0])
const byRank = [...new Set(words)].sort((a, b) => rank(a) - rank(b))
await list('search: a word of the notes', { text: 'holidays' })
await list('search: a frequent word of answers', { text: byRank[0] ?? '', hasTrials: true })
await list('search: a rare word of answers', { text: byRank.at(-1) ?? '', hasTrials: true })
await list('search: the first letter of many words', { text: 'b', hasTrials: true })
await list('search: two words, one in the notes, one in answers', {
  text: `steady ${byRank[0]}`,
  hasTrials: true,
})
await list('search: a word that is nowhere', { text: 'zebra' })
await measure('studies, and the trials of one', () => [
  unwrap(reader.studies()),
  unwrap(reader.trials(study?.id ?? '')),
])
await measure('one run in full', () => unwrap(reader.getRun(proved[0]?.id ?? '')))
await measureExperimentCalls(home)

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
const { keptAs } = once('restore of the newest backup, with the list of what it lacks', () =>
  restoreBackup(path, { folder: join(folder, 'backups') }),
)
// What was put aside for the backup is the journal of the next bench: a restored one is smaller.
if (keptHome !== undefined && keptAs !== null) {
  renameSync(keptAs, path)
  for (const end of ['-wal', '-shm']) rmSync(keptAs + end, { force: true })
}
console.log(loadNow())
rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
