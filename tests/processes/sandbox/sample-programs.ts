// The programs of the code sample and those of them that fail their own tests, as its README says.
import { prepareData } from '#core/data/check-data.ts'
import { sampleOf } from '#core/projects/samples.ts'
import { createCodeRunner } from '#core/proof/code-runner.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { unwrap } from '#shared/result.ts'
import type { DatasetRow } from '#shared/rows.ts'
import { type ProgramOutcome, programLanguage } from '#shared/sandbox-protocol.ts'

export interface SampleFailure {
  readonly line: number
  readonly end: ProgramOutcome['end']
}

/** A solution that is off by one, a colon forgotten, a test that is wrong. */
export const knownFailures: readonly SampleFailure[] = [
  { line: 32, end: 'test-failed' },
  { line: 87, end: 'test-failed' },
  { line: 115, end: 'error' },
]

/** Rows that have tests to run. */
export async function samplePrograms(): Promise<DatasetRow[]> {
  const { read } = await prepareData(sampleOf('code').path, { scenario: 'code' })
  return read.rows.filter(({ fields }) => fields.tests !== undefined)
}

export async function failuresOf(rows: readonly DatasetRow[]): Promise<SampleFailure[]> {
  const runner = createCodeRunner(createNodeLauncher())
  try {
    const failures: SampleFailure[] = []
    for (const { line, fields } of rows) {
      const { code = '', tests = '' } = fields
      const language = programLanguage.parse(fields.language)
      const { passed, end } = unwrap(await runner.run({ code, tests, language }))
      if (!passed) failures.push({ line, end })
    }
    return failures
  } finally {
    runner.close()
  }
}
