// engines list | add | remove | verify
import { addEngine } from '#core/engines/engine-handlers.ts'
import { listEngines, removeEngine, sweepEngines, verifyEngine } from '#core/engines/engine-library.ts'
import { requireEngineAtRest } from '#core/engines/engine-use.ts'
import { createJobBoard } from '#core/system/jobs.ts'
import type { EngineState, Job } from '#shared/contract/index.ts'
import type { EngineId } from '#shared/devices.ts'
import { attemptAsync, ProblemError, unwrap } from '#shared/result.ts'
import { formatBytes, formatDuration } from '#shared/units.ts'
import type { Application } from '../application.ts'
import { formatTable } from '../table.ts'

const statusWords: Readonly<Record<EngineState['status'], string>> = {
  'not-offered': 'not offered for this system',
  absent: 'not here',
  installed: 'here',
  damaged: 'damaged',
}

export async function printEngines({ library, output }: Application): Promise<void> {
  const engines = await listEngines(library)
  const rows = engines.map(({ id, version, status, downloadBytes, diskBytes }) => [
    ...[id, version, statusWords[status]],
    ...[formatBytes(downloadBytes), formatBytes(diskBytes)],
  ])
  for (const line of formatTable(['engine', 'version', 'status', 'download', 'on disk'], rows))
    output.line(line)
  output.line()
  for (const { id, purpose, licences, problem, notice } of engines) {
    output.line(`${id}: ${purpose} Licences: ${licences.join('; ')}.${notice === null ? '' : ` ${notice}`}`)
    if (problem !== null) output.line(`! ${problem.message} ${problem.remedy}`)
  }
  output.result({ engines })
}

/** `files`: those that a person brought; then no network is used. */
export async function fetchEngine(
  application: Application,
  id: EngineId,
  files: readonly string[],
): Promise<void> {
  const { library, launcher, output } = application
  await sweepEngines(library)
  const board = createJobBoard((_event, payload) => tellProgress(application, payload as Job))
  const undo = application.onInterrupt(() => {
    for (const { id: jobId } of board.list()) board.cancel(jobId)
  })
  let connections = 0
  const ports = {
    library,
    launcher,
    // The command itself is the permission; every connection is counted and shown all the same.
    openNetwork: () => {
      connections += 1
      output.progress(`Connection ${connections}: to the Python package index, for ${id}`, true)
    },
    requireAtRest: () => requireEngineAtRest({ reader: application.reader(), library }, id),
  }
  let untried: string | null = null
  try {
    const { jobId } = board.start({ kind: 'engine', title: id }, async (tools) => {
      const added = await addEngine(id, ports, tools, files)
      if (added.ok) untried = added.value
      return added
    })
    await board.ended(jobId)
    const job = board.list().find((one) => one.id === jobId)
    if (job?.problem) throw new ProblemError(job.problem)
  } finally {
    undo()
  }
  const state = (await listEngines(library)).find((one) => one.id === id)
  if (state === undefined) throw new Error(`no state of ${id}`)
  const isHere = `${state.name} ${state.version} is here (${formatBytes(state.diskBytes)}).`
  output.line(
    [isHere, ...(untried === null ? ['Measure this computer to see what it gains.'] : [untried])].join(' '),
  )
  const made = connections === 0 ? 'none' : `${connections}, to the Python package index, for ${id}`
  output.line(`Connections to other computers: ${made}.`)
  output.result({ ...state, connections })
}

/** What is less is no time that a person waits for. */
const shortestLeftMs = 1_000

function tellProgress({ output }: Application, { phase, done, total, leftMs, status }: Job): void {
  if (status !== 'running' || phase === '') return
  const left = leftMs === null || leftMs < shortestLeftMs ? '' : `, about ${formatDuration(leftMs)} left`
  const share = () => `: ${Math.floor((100 * done) / total)} % of ${formatBytes(total)}${left}`
  output.progress(`${phase}${total === 0 ? '…' : share()}`)
}

export async function dropEngine(application: Application, id: EngineId): Promise<void> {
  const { library, output } = application
  await sweepEngines(library)
  unwrap(await attemptAsync(() => requireEngineAtRest({ reader: application.reader(), library }, id)))
  const removed = unwrap(await removeEngine(library, id))
  output.line(
    removed.wasLink
      ? `${id} was a link, and only the link is gone; what it points to is as it was, and nothing is free again.`
      : `${id} is gone; ${formatBytes(removed.freedBytes)} are free again.`,
  )
  output.result(removed)
}

export async function checkEngine({ library, output }: Application, id: EngineId): Promise<void> {
  unwrap(
    await verifyEngine(library, id, (done, total) =>
      output.progress(`Reading every byte: ${Math.floor((100 * done) / total)} %`),
    ),
  )
  const notice = (await listEngines(library)).find((one) => one.id === id)?.notice ?? null
  output.line(`${id} is whole: every byte is as it was published.${notice === null ? '' : ` ${notice}`}`)
  output.result({ id, isWhole: true, notice })
}
