// What the handlers of every room work with. Made once by workstation.ts; rooms take it by type and change none of it.
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { Emit, Settings } from '#shared/contract/index.ts'
import type { DeviceId } from '#shared/devices.ts'
import type { Result } from '#shared/result.ts'
import type { OpenedJournals } from '../archive/opened-journals.ts'
import type { SentFiles } from '../data/sent-files.ts'
import type { JobBoard } from '../system/jobs.ts'
import type { Launcher } from '../system/launcher.ts'
import type { Library } from '../system/library.ts'

/** What only the program that holds the window can do. */
export interface HostPort {
  readonly kind: 'electron' | 'browser' | 'direct'
  /** Moves a file or folder of the library to the system's bin; `bin.failed` where there is none. */
  moveToBin(path: string): Promise<Result<void>>
  /** The path behind a handle that the person picked in a dialog of the host; null where there is none. */
  pickedPath(handle: string): string | null
}

/** The program's settings, kept in the library and told to every screen. */
export interface SettingsStore {
  get(): Settings
  set(change: { readonly [K in keyof Settings]?: Settings[K] | undefined }): Promise<Result<Settings>>
}

/** Every connection to another computer goes through here, or is not made. */
export interface NetworkGate {
  readonly connections: number
  /** Counts a connection that is made by other means than `fetch`; throws `network.off` where downloads are not allowed. */
  open(host: string, purpose: string): void
  /** `fetch` that refuses (`network.off` as ProblemError) where downloads are not allowed, and counts where they are. */
  fetchFor(purpose: string): typeof fetch
}

export interface WorkstationContext {
  readonly library: Library
  readonly writer: JournalWriter
  readonly reader: JournalReader
  readonly launcher: Launcher
  /** Bytes that are taken now and that a run on this device finds free: of trainers that are kept open. */
  readonly comesBack: (device: DeviceId) => number
  readonly host: HostPort
  /** Other journals that are looked into. */
  readonly journals: OpenedJournals
  /** Files that a page has sent and nobody has taken yet. */
  readonly sent: SentFiles
  readonly settings: SettingsStore
  readonly network: NetworkGate
  readonly jobs: JobBoard
  readonly emit: Emit
}
