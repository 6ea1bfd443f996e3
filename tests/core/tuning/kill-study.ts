// kill -9 of the program that works on a study, and of its trainer, at random moments, again and again until enough struck;
// then the study goes to its end.
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { counterRandom } from '#engine/index.ts'

const worker = fileURLToPath(new URL('study-worker.ts', import.meta.url))

export interface StudyKills {
  readonly core: number
  readonly trainer: number
}

interface Life {
  readonly child: ChildProcess
  readonly exited: Promise<void>
  isOpen: boolean
  isEnded: boolean
  /** Of the run that was at work last. */
  trainer: { readonly pid: number; readonly runId: string } | null
}

const mostStrikes = 3
/** The longest time after which a kill strikes. */
const withinMs = 6_000

export async function killStudy(
  home: string,
  studyId: string,
  wanted: number,
  seed: number,
): Promise<StudyKills> {
  const random = counterRandom(seed, 'study kills')
  const kills = { core: 0, trainer: 0 }
  /** A run that died six times in one place would count as failed, and rightly. */
  const struck = new Map<string, number>()
  let life = begin(home, studyId)
  for (let draw = 0; kills.core + kills.trainer < wanted && !life.isEnded; draw += 1) {
    await Promise.race([pause(random(2 * draw) * withinMs), life.exited])
    if (life.isEnded) break
    const { trainer } = life
    if (random(2 * draw + 1) < 0.4 && trainer !== null && (struck.get(trainer.runId) ?? 0) < mostStrikes) {
      struck.set(trainer.runId, (struck.get(trainer.runId) ?? 0) + 1)
      if (kill(trainer.pid)) kills.trainer += 1
      life.trainer = null
      continue
    }
    if (!life.isOpen) continue
    kill(life.child.pid)
    await life.exited
    if (life.isEnded) break
    kills.core += 1
    life = begin(home, studyId)
  }
  await life.exited
  if (!life.isEnded) throw new Error('The program ended before its study')
  return kills
}

function begin(home: string, studyId: string): Life {
  const flags = ['--disable-warning=ExperimentalWarning', worker, home, studyId]
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const life: Life = { child, exited, isOpen: false, isEnded: false, trainer: null }
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) hear(life, line)
  })
  return life
}

function hear(life: Life, line: string): void {
  const [word, pid, runId] = line.split(' ')
  if (word === 'open') life.isOpen = true
  if (word === 'ended') life.isEnded = true
  if (word === 'trainer' && runId !== undefined) life.trainer = { pid: Number(pid), runId }
}

function kill(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
