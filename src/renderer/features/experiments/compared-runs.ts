// The ticked runs that are compared: their rows, curves and settings, read anew when one of them changes.
import { computed, onScopeDispose, shallowRef, watch } from 'vue'
import type { CallInput, CallOutput } from '#shared/contract/index.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'
import { ofJournal } from './experiment-view.ts'
import { mostCompared } from './run-marks.ts'

export type CurveAxis = CallInput<'experiments.curves'>['axis'] & string

/** A run that learns changes all the time; so often it is read anew. */
const liveMs = 1000

interface Comparison {
  readonly rows: readonly ExperimentRow[]
  readonly curves: CallOutput<'experiments.curves'>['curves']
  /** What the curves are over. */
  readonly axis: CurveAxis
  readonly settings: CallOutput<'experiments.compare'>
}

export interface ComparedQuestion {
  readonly ticked: readonly string[]
  readonly axis: CurveAxis
  /** An opened foreign journal; empty for one's own. */
  readonly journal: string
}

export function useComparedRuns(
  question: () => ComparedQuestion,
  forget: (runIds: readonly string[]) => void,
) {
  const comparison = shallowRef<Comparison | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const compared = computed(() => question().ticked.slice(0, mostCompared))
  let generation = 0

  async function load(): Promise<void> {
    const runIds = [...compared.value]
    const mine = ++generation
    if (runIds.length === 0) {
      comparison.value = null
      problem.value = null
      return
    }
    const journal = ofJournal(question().journal)
    const { axis } = question()
    const found = await api.call('experiments.list', {
      runIds,
      archived: 'with',
      hasTrials: true,
      ...journal,
    })
    if (mine !== generation) return
    if (!found.ok) {
      problem.value = found.problem
      return
    }
    const byId = new Map(found.value.rows.map((row) => [row.id, row]))
    // An address may name runs that were removed since.
    const gone = runIds.filter((runId) => !byId.has(runId))
    if (gone.length > 0) {
      forget(gone)
      return
    }
    const [curves, settings] = await Promise.all([
      api.call('experiments.curves', { runIds, axis, ...journal }),
      api.call('experiments.compare', { runIds, ...journal }),
    ])
    if (mine !== generation) return
    problem.value = curves.ok ? (settings.ok ? null : settings.problem) : curves.problem
    if (!curves.ok || !settings.ok) return
    comparison.value = {
      rows: runIds.flatMap((runId) => byId.get(runId) ?? []),
      curves: curves.value.curves,
      axis,
      settings: settings.value,
    }
  }

  watch(() => JSON.stringify([compared.value, question().axis, question().journal]), load, {
    immediate: true,
  })

  // A run that learns has new points, one that was edited another name.
  let timer: ReturnType<typeof setTimeout> | undefined
  function loadSoon(runId: string | null): void {
    if (runId !== null && !compared.value.includes(runId)) return
    timer ??= setTimeout(() => {
      timer = undefined
      void load()
    }, liveMs)
  }
  onScopeDispose(api.on('experiments.changed', ({ runId }) => loadSoon(runId)))
  onScopeDispose(api.on('training.update', ({ state }) => loadSoon(state.runId)))
  onScopeDispose(() => clearTimeout(timer))
  return { comparison, problem, load }
}
