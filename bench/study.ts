// What a study costs beside the same trials as plain runs: the demo's recipe searched with 30 trials, then a run of its own
// for the settings of every trial, each in a new process with nothing of an earlier run in its cache. Through the command
// line, as a person would. Prints times and ratios. Arguments: trials (30), the study's seed (42).
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StudyView } from '#shared/contract/index.ts'

const [trials = '30', seed = '42'] = process.argv.slice(2)
const recipe = 'resources/samples/bike-shop-messages/recipe.yaml'
const home = mkdtempSync(join(tmpdir(), 'bench-study-'))

/** Seconds by the clock, and what was printed. */
function tunewright(...command: readonly string[]): { readonly seconds: number; readonly printed: string } {
  const startMs = performance.now()
  const { status, stdout, stderr } = spawnSync(
    'node',
    ['scripts/tunewright.mjs', ...command, '--home', home],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`)
  return { seconds: (performance.now() - startMs) / 1000, printed: stdout }
}

const emptyCache = (): void => rmSync(join(home, 'cache'), { recursive: true, force: true })
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const minutes = (seconds: number): string => `${(seconds / 60).toFixed(1)} min`

try {
  // Unpacking the model belongs to neither side.
  tunewright('models', 'add', 'starter')
  tunewright('train', recipe, '--max-steps', '1')
  emptyCache()
  const search = tunewright(
    ...['studies', 'start', recipe, '--effort', 'short', '--trials', trials],
    ...['--seed', seed, '--no-earlier'],
  )
  const view = JSON.parse(tunewright('studies', 'show', 'latest', '--json').printed) as StudyView
  const searched = view.trials.filter(({ purpose }) => purpose === 'search')
  const trialSeconds = sum(searched.map(({ work }) => (work?.durationMs ?? 0) / 1000))
  const steps = sum(searched.map(({ work }) => work?.steps ?? 0))
  const planned = sum(searched.map(({ work }) => work?.plannedSteps ?? 0))
  console.log(
    `study: ${minutes(search.seconds)}, of which ${searched.length} trials ${minutes(trialSeconds)} (${steps} of ${planned} steps); load ${loadavg()[0]!.toFixed(1)}`,
  )
  console.log(`verdict: ${view.verdict.sentence} ${JSON.stringify(view.verdict.gain)}`)
  console.log(`reckoned by the study itself: ${JSON.stringify(view.saved)}`)

  const plain: number[] = []
  for (const { number, settings, seed: ownSeed, lossNats, status } of searched) {
    const wanted = Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${String(value)}`])
    emptyCache()
    const { seconds } = tunewright('train', recipe, ...wanted, '--seed', String(ownSeed))
    plain.push(seconds)
    console.log(
      `plain ${number}: ${seconds.toFixed(1)} s; in the study ${status}, ${lossNats?.toFixed(4)} nats`,
    )
  }
  const all = sum(plain)
  console.log(
    `${plain.length} plain runs: ${minutes(all)}; load ${loadavg()[0]!.toFixed(1)}. Trials took ${(trialSeconds / all).toFixed(2)} of it, the whole study with its confirming runs ${(search.seconds / all).toFixed(2)}`,
  )
} finally {
  rmSync(home, { recursive: true, force: true })
}
