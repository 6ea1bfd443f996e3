// A scorer process that keeps the new last layer of a run open while somebody brings texts. Asked one text at a time; ends
// itself when nobody has for a while. One that dies or falls silent leaves nobody waiting.
import { type ClassSide, type NamingCommand, type NamingJob, namingEvent } from '#shared/class-protocol.ts'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'
import type { Launcher } from '../system/launcher.ts'
import { inWorkFolder } from '../system/work-folder.ts'
import { cancelledProblem, defaultSilenceMs, describeExit } from './child-job.ts'

export interface Named {
  /** Null where the text cannot be read: `reason` says why. */
  readonly side: ClassSide | null
  readonly reason: string | null
}

export interface NamingProcess {
  /** False once it has ended: another one has to be opened. */
  readonly isOpen: boolean
  /** One text at a time. Problems: scorer.failed, what the process says, proof.cancelled where it is closed. */
  name(text: string): Promise<Result<Named>>
  /** Ends it at once and resolves when it is gone. */
  close(): Promise<void>
}

export interface NamingOptions {
  readonly launcher: Launcher
  /** The library's cacheFolder. */
  readonly cacheFolder: string
  readonly idleLimitMs?: number
  readonly silenceMs?: number
}

/** A model takes seconds to load: it stays for a pause, and then makes room. */
const idleMs = 2 * 60_000

/** Resolves when the process was started; that the model cannot be opened is said to the first text. */
export function openNamingProcess(
  job: Omit<NamingJob, 'workFolder'>,
  { launcher, cacheFolder, idleLimitMs = idleMs, silenceMs = defaultSilenceMs }: NamingOptions,
): Promise<NamingProcess> {
  return new Promise((resolve, reject) => {
    inWorkFolder(cacheFolder, 'naming', (workFolder) => {
      const { process, gone } = start({ ...job, workFolder }, launcher, { idleLimitMs, silenceMs })
      resolve(process)
      return gone
    }).catch(reject)
  })
}

function start(
  job: NamingJob,
  launcher: Launcher,
  { idleLimitMs, silenceMs }: { readonly idleLimitMs: number; readonly silenceMs: number },
): { process: NamingProcess; gone: Promise<void> } {
  const child = launcher.launch('scorer')
  const tell = (command: NamingCommand): void => child.send(command)
  let isOpen = true
  /** Waits for the answer to its text; null between texts. */
  let waiting: ((result: Result<Named>) => void) | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended: Result<never> | null = null

  function answer(result: Result<Named>): void {
    clearTimeout(timer)
    waiting?.(result)
    waiting = null
    if (isOpen) timer = setTimeout(() => void close(), idleLimitMs)
  }
  function endAs(result: Result<never>): void {
    isOpen = false
    ended ??= result
    child.kill()
  }

  child.onMessage((message) => {
    const event = namingEvent.safeParse(message)
    if (!event.success) endAs(died('sent something unreadable', event.error.message))
    else if (event.data.kind === 'failed') {
      // Whatever it was: the next text has a process of its own.
      endAs(fail(event.data.problem))
      answer(fail(event.data.problem))
    } else answer(ok({ side: event.data.side, reason: event.data.reason }))
  })
  const gone = new Promise<void>((resolve) => {
    child.onExit((exit) => {
      isOpen = false
      answer(ended ?? died('ended unexpectedly', describeExit(exit)))
      resolve()
    })
  })
  function close(): Promise<void> {
    endAs(fail(cancelledProblem('scorer process')))
    return gone
  }

  tell({ kind: 'openNaming', job })
  return {
    gone,
    process: {
      get isOpen() {
        return isOpen
      },
      name: (text) =>
        new Promise((resolve) => {
          if (!isOpen) return resolve(ended ?? died('ended before it was asked', ''))
          clearTimeout(timer)
          timer = setTimeout(
            () => endAs(died('stopped answering', `no message for ${silenceMs} ms`)),
            silenceMs,
          )
          waiting = resolve
          tell({ kind: 'name', text })
        }),
      close,
    },
  }
}

const died = (whatHappened: string, details: string): Result<never> =>
  fail({
    code: 'scorer.failed',
    message: `The process that reads the text ${whatHappened}.`,
    where: 'scorer process',
    remedy: 'Free some memory and try again; the trained model is untouched.',
    details,
  } satisfies Problem)
