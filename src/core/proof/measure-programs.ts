// Tries out the programs that were written as answers, each against the tests of its row, in the sandbox.
import { ProblemError, unwrap } from '#shared/result.ts'
import { programLanguage } from '#shared/sandbox-protocol.ts'
import { cancelledProblem } from './child-job.ts'
import { type CodeProgram, createCodeRunner } from './code-runner.ts'
import type { AskedRow, MeasurePorts, Subject, SubjectAnswer } from './measured-answers.ts'

/** The program in an answer: the lines of the first fence, else everything. */
export function programOf(text: string): string {
  const lines = text.split('\n')
  const isFence = (line: string): boolean => line.trimStart().startsWith('```')
  const first = lines.findIndex(isFence)
  if (first < 0) return text
  const length = lines.slice(first + 1).findIndex(isFence)
  return lines.slice(first + 1, length < 0 ? undefined : first + 1 + length).join('\n')
}

/** null where the row has no tests, or is in a language that is not run. A row that names no language is in Python. */
function programToRun({ fields }: AskedRow, { text }: SubjectAnswer): CodeProgram | null {
  const language = programLanguage.safeParse(fields.language ?? 'python')
  const tests = fields.tests ?? ''
  if (!language.success || tests.trim() === '' || text === null) return null
  return { code: programOf(text), tests, language: language.data }
}

/** The same subjects with `run` filled in where a row has tests. Throws ProblemError (sandbox.failed, proof.cancelled). */
export async function runPrograms(
  rows: readonly AskedRow[],
  subjects: readonly Subject[],
  { launcher, signal, onProgress }: MeasurePorts,
): Promise<Subject[]> {
  const runner = createCodeRunner(launcher)
  const onAbort = (): void => runner.close()
  signal?.addEventListener('abort', onAbort)
  const total = subjects.reduce(
    (sum, { answers }) => sum + answers.filter((answer, row) => programToRun(rows[row]!, answer)).length,
    0,
  )
  let done = 0
  const runOne = async (row: AskedRow, answer: SubjectAnswer): Promise<SubjectAnswer> => {
    const program = programToRun(row, answer)
    if (program === null) return answer
    const result = await runner.run(program)
    if (signal?.aborted) throw new ProblemError(cancelledProblem('proof'))
    done += 1
    onProgress?.({ phase: 'running', done, total })
    return { ...answer, run: unwrap(result) }
  }
  try {
    const finished: Subject[] = []
    for (const subject of subjects) {
      const answers: SubjectAnswer[] = []
      for (const [at, answer] of subject.answers.entries()) answers.push(await runOne(rows[at]!, answer))
      finished.push({ ...subject, answers })
    }
    return finished
  } finally {
    signal?.removeEventListener('abort', onAbort)
    runner.close()
  }
}
