// Where a run comes from and what came of it, as nodes and edges: data sets, the search it is a trial of, runs it repeats
// or was tried again from, exports. From the journal alone; what was removed is not shown.
import type { JournalReader } from '#journal/reader.ts'
import type { CallOutput, LineageEdge, LineageNode } from '#shared/contract/index.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { unwrap } from '#shared/result.ts'
import type { JournalStudy } from '#shared/study.ts'
import { formatBytes } from '#shared/units.ts'
import { readableProof } from '../proof/proof-journal.ts'
import { runLabels } from './run-labels.ts'

export type LineageReader = Pick<
  JournalReader,
  'getRun' | 'runNumbers' | 'links' | 'study' | 'datasets' | 'artifacts' | 'comparisons'
>
type Lineage = CallOutput<'experiments.lineage'>

/** More cannot be read as a drawing. */
const mostNodes = 60

/** Throws a ProblemError: run.unknown where there is none with this id. */
export function readLineage(reader: LineageReader, runId: string): Lineage {
  const nodes = new Map<string, LineageNode>()
  const edges = new Map<string, LineageEdge>()
  const datasets = new Map(unwrap(reader.datasets()).map((dataset) => [dataset.fingerprint, dataset]))
  let isCut = false

  function addNode(node: LineageNode): boolean {
    if (nodes.has(node.id)) return true
    if (nodes.size >= mostNodes) {
      isCut = true
      return false
    }
    nodes.set(node.id, node)
    return true
  }
  const addEdge = (edge: LineageEdge): void => void edges.set(`${edge.kind} ${edge.from} ${edge.to}`, edge)

  function addDataset(run: RunDetail, fingerprint: string, kind: 'trained-on' | 'read-first'): void {
    const dataset = datasets.get(fingerprint)
    const rows = dataset?.counts.train ?? null
    const node = {
      id: fingerprint,
      kind: 'dataset',
      name: dataset?.sourceName ?? fingerprint.slice(0, 12),
      atMs: dataset?.addedAtMs ?? null,
      detail: rows === null ? '' : `${rows} training rows`,
    } as const
    if (addNode(node)) addEdge({ from: run.id, to: fingerprint, kind })
  }

  function addExports(run: RunDetail): void {
    for (const { id, kind, path, bytes, createdAtMs, removedAtMs } of unwrap(reader.artifacts(run.id))) {
      if (removedAtMs !== null || (kind !== 'export' && kind !== 'gguf')) continue
      const name = path.split('/').at(-1) ?? path
      const detail = formatBytes(bytes)
      if (addNode({ id, kind: 'export', name, atMs: createdAtMs, detail }))
        addEdge({ from: run.id, to: id, kind: 'exported-as' })
    }
  }

  /** `id` is a run, a study, or the name of another journal; one that was removed is passed over. */
  function findNode(id: string, isForeign: boolean): LineageNode | null {
    if (isForeign) return { id, kind: 'foreign', name: id, atMs: null, detail: '' }
    const run = reader.getRun(id)
    if (run.ok) return runNode(reader, run.value)
    const study = reader.study(id)
    return study.ok ? studyNode(study.value) : null
  }

  const waiting = [unwrap(reader.getRun(runId)).id]
  const seen = new Set(waiting)
  const visitLater = (id: string): void => {
    if (!seen.has(id)) waiting.push(id)
    seen.add(id)
  }

  function follow(id: string): void {
    for (const { runId: from, kind, parent } of unwrap(reader.links(id))) {
      const other = from === id ? parent : from
      const node = findNode(other, kind === 'imported-from' && other === parent)
      if (node === null || !addNode(node)) continue
      addEdge({ from, to: parent, kind })
      if (node.kind === 'run' || node.kind === 'study') visitLater(other)
    }
  }

  for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
    const found = reader.getRun(id)
    if (found.ok) {
      const run = found.value
      addNode(runNode(reader, run))
      addDataset(run, run.datasetFingerprint, 'trained-on')
      if (run.beforeFingerprint !== null) addDataset(run, run.beforeFingerprint, 'read-first')
      addExports(run)
      const study = run.trial && reader.study(run.trial.studyId)
      if (study?.ok && addNode(studyNode(study.value))) {
        addEdge({ from: run.id, to: study.value.id, kind: 'trial-of' })
        visitLater(study.value.id)
      }
    }
    follow(id)
  }
  const runIds = [...nodes.values()].flatMap(({ id, kind }) => (kind === 'run' ? id : []))
  const labelOf = runLabels(reader, runIds)
  const labelled = [...nodes.values()].map((node) =>
    node.kind === 'run' ? { ...node, name: labelOf(node) } : node,
  )
  return { nodes: labelled, edges: [...edges.values()], isCut }
}

function runNode(reader: LineageReader, run: RunDetail): LineageNode {
  const proof = readableProof(unwrap(reader.comparisons(run.id)))
  const loss = run.bestLossNats === null ? '' : `loss ${run.bestLossNats.toFixed(2)}`
  const verdict = proof === null ? '' : verdictWords[proof.verdict.kind]
  return {
    id: run.id,
    kind: 'run',
    name: run.name,
    atMs: run.createdAtMs,
    detail: [run.status === 'finished' ? '' : run.status, loss, verdict].filter(Boolean).join(', '),
  }
}

const verdictWords = {
  better: 'got better',
  worse: 'got worse',
  'no-measurable-difference': 'no measurable difference',
} as const

const studyNode = ({ id, name, createdAtMs, status }: JournalStudy): LineageNode => ({
  id,
  kind: 'study',
  name,
  atMs: createdAtMs,
  detail: status,
})
