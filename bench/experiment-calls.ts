// What the screens of experiments ask of the core, over a journal of many years: runs compared, traced back, and what was
// tried in order. Through the calls themselves, as a screen asks them.
import { createNodeLauncher } from '#core/system/launcher.ts'
import { createWorkstation, type Workstation } from '#core/workstation/workstation.ts'
import { type CallInput, type CallName, type CallOutput, dispatch } from '#shared/contract/index.ts'
import { ok, type Result, unwrap } from '#shared/result.ts'
import { measure } from './timed-rows.ts'

export const openCore = (home: string): Workstation =>
  unwrap(
    createWorkstation({
      home,
      launcher: createNodeLauncher(),
      host: { kind: 'browser', moveToBin: () => Promise.resolve(ok(undefined)), pickedPath: () => null },
    }),
  )

type Call = <C extends CallName>(name: C, input: CallInput<C>) => Promise<CallOutput<C>>

/** Of the journal in `home`, which bench/many-experiments.ts wrote. */
export async function measureExperimentCalls(home: string): Promise<void> {
  const core = openCore(home)
  const call: Call = async (name, input) =>
    unwrap((await dispatch(core.handlers, name, input)) as Result<CallOutput<typeof name>>)
  const { projects } = await call('experiments.facets', {})
  const projectId = projects[0]?.id ?? ''
  await measureComparing(call, projectId)
  await measureLineage(call)
  await measureTimeline(call, projectId)
  await core.close()
}

/** One call about some of these runs, the first of them: about how many. */
type Part = (runIds: string[]) => Promise<number>

const comparingCalls = (call: Call): Readonly<Record<string, Part>> => {
  const curves =
    (axis: CallInput<'experiments.curves'>['axis']): Part =>
    async (runIds) =>
      (await call('experiments.curves', { runIds, axis })).curves.length
  return {
    'settings and figures': async (runIds) =>
      (await call('experiments.compare', { runIds })).lockedRows.length,
    'curves by step': curves('step'),
    'curves by time': curves('time'),
  }
}

async function measureComparing(call: Call, projectId: string): Promise<void> {
  const ofProject = { projectId, hasTrials: true, sort: 'proof' } as const
  await measure('ids of all runs', () => call('experiments.ids', { hasTrials: true }))
  const proved = (await call('experiments.ids', ofProject)).runIds
  for (const count of [5, 24, 100, 1000]) {
    // Others each time, so that nothing is answered from what is kept of the last ones.
    const runIdsAt = (at: number): string[] =>
      Array.from({ length: count }, (_, n) => proved[(at * count + at + n) % proved.length] ?? '')
    for (const [what, part] of Object.entries(comparingCalls(call))) {
      const all = async (at: number): Promise<number> => {
        let calls = 0
        for (let rest = runIdsAt(at); rest.length > 0; calls += 1) rest = rest.slice(await part(rest))
        return calls
      }
      await measureParts(`compare ${count} runs: ${what}`, (at) => part(runIdsAt(at)), all)
    }
    const answers = (at: number) => call('experiments.answers', { runIds: runIdsAt(at) })
    await measureParts(`compare ${count} runs: answers`, answers, async (at) => {
      let calls = 1
      for (; (await answers(at)).read < count; calls += 1);
      return calls
    })
  }
}

/** The first call by itself, and where more are needed all of them. */
async function measureParts(
  what: string,
  first: (at: number) => unknown,
  all: (at: number) => Promise<number>,
): Promise<void> {
  const calls = await all(100)
  await measure(calls === 1 ? what : `${what}, the first call`, first)
  if (calls > 1) await measure(`... all ${calls} calls`, all, 3)
}

async function measureLineage(call: Call): Promise<void> {
  const oldest = await call('experiments.list', {
    order: 'ascending',
    hasTrials: true,
    limit: 1000,
    offset: 500,
  })
  const trial = (await call('experiments.list', { hasTrials: true })).rows.find((one) => one.trial !== null)
  // The oldest runs are long chains; of the later ones a few are tried again.
  const places = [
    ['a chain of runs', oldest.rows[0]?.id],
    ['a run with few links', oldest.rows[900]?.id],
    ['a trial of a study', trial?.id],
  ] as const
  for (const [what, runId] of places) {
    if (runId === undefined) continue
    const { nodes, isCut } = await call('experiments.lineage', { runId })
    const size = `${nodes.length} nodes${isCut ? ', cut' : ''}`
    await measure(`lineage of ${what}: ${size}`, () => call('experiments.lineage', { runId }))
  }
}

async function measureTimeline(call: Call, projectId: string): Promise<void> {
  const { total } = await call('experiments.timeline', { limit: 1 })
  const pages = [
    ['first page', {}],
    ['in the middle', { offset: Math.floor(total / 2) }],
    ['last page', { offset: total - 100 }],
    ['a project', { projectId }],
  ] as const
  for (const [what, page] of pages) {
    const { entries } = await call('experiments.timeline', page)
    const sentences = entries.reduce((sum, { learned }) => sum + learned.length, 0)
    await measure(`timeline, ${what}: ${entries.length} entries, ${sentences} sentences`, () =>
      call('experiments.timeline', page),
    )
  }
}
