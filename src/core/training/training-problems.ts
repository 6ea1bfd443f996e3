// Problems of runs, in words. What happened, where, what to do next.
import type { Recipe } from '#shared/recipe.ts'
import type { Problem } from '#shared/result.ts'
import type { ChildExit } from '../system/launcher.ts'
import { trainsWeights } from './method-of.ts'

/** `isSaved`: whether a checkpoint of the run is known. */
const resumeRemedy = (runId: string, isSaved: boolean): string => {
  const how = isSaved
    ? 'It goes on from its last checkpoint, and computes the few steps after it again.'
    : 'Nothing of it had been saved yet, so it begins again with its first step.'
  return `Continue it on its screen, or with: tunewright runs resume ${runId}. ${how}`
}

/** How a run's process ended, as far as is known of it. */
interface DeadRun {
  readonly runId: string
  /** For what could be lowered. */
  readonly recipe: Recipe
  readonly isSaved: boolean
}

export function deadTrainer({ runId, recipe, isSaved }: DeadRun, exit: ChildExit): Problem {
  const how = exit.signal === null ? `ended with code ${exit.code}` : `was ended by the signal ${exit.signal}`
  const remedy = resumeRemedy(runId, isSaved)
  const isMemory = exit.signal === 'SIGKILL' || /out of memory|allocation failed/i.test(exit.lastWords)
  return {
    code: 'trainer.crashed',
    message: `The training process ${how} before it was done.`,
    where: `run ${runId}`,
    remedy: isMemory
      ? `${remedy} Close other programs first. If it happens again the computer is short of memory: start a new run with ${lessMemory(recipe)}.`
      : remedy,
    details: exit.lastWords,
  }
}

/** What of this recipe would take less memory, the gentlest first. */
function lessMemory({ batch, gradientCheckpointing, optimizer, method }: Recipe): string {
  const rows = Math.min(batch.rowsAtOnce ?? batch.microRows, batch.microRows)
  const ways = [
    rows > 1 ? `fewer rows at once (batch.rowsAtOnce, now ${rows})` : null,
    gradientCheckpointing ? null : 'gradient checkpointing (gradientCheckpointing)',
    optimizer.kind === 'adamw' ? '8-bit AdamW (optimizer.kind)' : null,
    !trainsWeights(method) && method.base === 'float' ? 'a base in 4 bits (method.base)' : null,
    `shorter rows (batch.maxTokens, now ${batch.maxTokens})`,
  ].filter((way) => way !== null)
  return ways.length === 1 ? ways.join('') : `${ways.slice(0, -1).join(', ')} or ${ways.at(-1)}`
}

export function silentTrainer(runId: string, limitMs: number, isSaved: boolean): Problem {
  return {
    code: 'trainer.silent',
    message: `The training process gave no sign of life for ${Math.round(limitMs / 1000)} seconds and was ended.`,
    where: `run ${runId}`,
    remedy: resumeRemedy(runId, isSaved),
  }
}

export function lostVersion(runId: string, path: string, error: unknown): Problem {
  return {
    code: 'checkpoint.damaged',
    message: 'The trained version that the training process wrote cannot be read.',
    where: path,
    remedy: `Continue it on its screen, or with: tunewright runs resume ${runId}. It writes the trained version again.`,
    details: String(error),
  }
}

export function strangeMessage(runId: string, isSaved: boolean, details?: string): Problem {
  return {
    code: 'trainer.crashed',
    message: 'The training process sent something that is not part of the agreed messages and was ended.',
    where: `run ${runId}`,
    remedy: resumeRemedy(runId, isSaved),
    details,
  }
}

export function notResumable(runId: string, status: string): Problem {
  return {
    code: status === 'finished' ? 'run.not-resumable' : 'run.active',
    message: status === 'finished' ? 'This run is finished.' : `This run is ${status}.`,
    where: `run ${runId}`,
    remedy:
      status === 'finished'
        ? 'Start a new run to train further.'
        : 'Wait for it to end, or stop it first, on its screen or with: tunewright runs cancel.',
  }
}

export function notAtWork(runId: string): Problem {
  return {
    code: 'run.not-resumable',
    message: 'No training process works on this run at the moment.',
    where: `run ${runId}`,
    remedy: 'Continue it first, or open its result.',
  }
}

export function isWaiting(runId: string): Problem {
  return {
    code: 'run.active',
    message: 'This run waits for its turn already.',
    where: `run ${runId}`,
    remedy: 'Move it up in the queue, or take it out of the queue first.',
  }
}

export function notWaiting(id: string): Problem {
  return {
    code: 'run.not-resumable',
    message: 'This does not stand in the queue.',
    where: id,
    remedy: 'Look at the queue again: it may have begun, or been taken out, meanwhile.',
  }
}

export function stillUnderWay(runId: string): Problem {
  return {
    code: 'run.active',
    message: 'This run is not over: there is nothing to compare a repeat with yet.',
    where: `run ${runId}`,
    remedy: 'Wait until it is done, or stop it; then repeat it.',
  }
}

/** What a run cannot be where something that it needs is not there. */
export type Refused = 'repeated' | 'continued'

/** `what`: whatever it needs and is not as it was. */
export function withoutPart(refused: Refused, what: string, problem: Problem): Problem {
  return {
    ...problem,
    message: `This run cannot be ${refused}, because ${what} is not here as it was: ${problem.message}`,
  }
}

export function otherModel(name: string, foundSha256: string, expectedSha256: string): Problem {
  return {
    code: 'model.damaged',
    message: 'The model on this computer is not the one that this run began from.',
    where: name,
    remedy: 'Add the model in the version that the run was made with, then try again.',
    details: `SHA-256 is ${foundSha256}, not ${expectedSha256}`,
  }
}

/** Of what waits for space on the disk and tries again by itself: nothing has to be started by hand. */
export const spaceSentence = ({ message }: Pick<Problem, 'message'>): string =>
  `${message} It goes on by itself when there is space again.`
