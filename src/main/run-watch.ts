// Which runs are active, told by the core. From that follows: the computer is kept awake, the tray says how far a run is,
// and a person who looks elsewhere is told when it has ended. Knows no Electron; index.ts does what this decides.
import type { Reply } from '#shared/contract/index.ts'

export interface WatchedRun {
  readonly runId: string
  readonly name: string
  readonly doneShare: number
}

export type RunEnd = 'finished' | 'stopped' | 'failed'

export interface RunWatch {
  readonly runs: readonly WatchedRun[]
  /** What a closed window does while a run is active. */
  readonly keepsRunning: boolean
  hear(event: string, payload: unknown): void
  /** Asks the core how things stand; called when it is open, first or again. */
  refresh(): Promise<void>
}

export interface RunWatchPorts {
  call(name: string, input: unknown): Promise<Reply>
  onRuns(runs: readonly WatchedRun[]): void
  onEnded(name: string, end: RunEnd): void
}

export function createRunWatch(ports: RunWatchPorts): RunWatch {
  let runs: readonly WatchedRun[] = []
  let keepsRunning = true

  function setRuns(next: readonly WatchedRun[]): void {
    const ended = runs.filter((run) => !next.some(({ runId }) => runId === run.runId))
    runs = next
    ports.onRuns(runs)
    for (const run of ended) void tellEnd(run)
  }

  async function tellEnd({ runId, name }: WatchedRun): Promise<void> {
    const reply = await ports.call('training.get', { runId })
    const status = reply.ok ? (reply.value as { state: { status: string } }).state.status : 'crashed'
    ports.onEnded(name, status === 'finished' ? 'finished' : status === 'cancelled' ? 'stopped' : 'failed')
  }

  const hearSettings = (settings: unknown): void => {
    keepsRunning = (settings as { whenClosed: string }).whenClosed === 'keep-running'
  }
  const hearActivity = (activity: unknown): void => setRuns((activity as { runs: WatchedRun[] }).runs)

  return {
    get runs() {
      return runs
    },
    get keepsRunning() {
      return keepsRunning
    },
    hear(event, payload) {
      if (event === 'activity.changed') hearActivity(payload)
      if (event === 'settings.changed') hearSettings(payload)
    },
    async refresh() {
      const [settings, activity] = await Promise.all([
        ports.call('settings.get', {}),
        ports.call('system.activity', {}),
      ])
      if (settings.ok) hearSettings(settings.value)
      if (activity.ok) hearActivity(activity.value)
    },
  }
}
