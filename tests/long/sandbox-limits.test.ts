// The sandbox's refusals, each alone and followed by a program that passes: those that have to be ended with their
// process, and those that tests/processes tries in one program.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CodeRunner, createCodeRunner, defaultSandboxLimits } from '#core/proof/code-runner.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { unwrap } from '#shared/result.ts'
import {
  javascriptEscapes,
  javascriptTests,
  pythonEscapes,
  pythonTests,
} from '../processes/sandbox/escapes.ts'

let runner: CodeRunner
beforeAll(() => {
  runner = createCodeRunner(createNodeLauncher(), { ...defaultSandboxLimits, timeMs: 2_000 })
})
afterAll(() => runner.close())

const alone = [
  ...pythonEscapes.map((one) => ({ ...one, language: 'python' as const, tests: pythonTests })),
  ...javascriptEscapes.map((one) => ({ ...one, language: 'javascript' as const, tests: javascriptTests })),
].filter(({ isSlow, isQuiet }) => isSlow || isQuiet)

test.each(alone)(
  '$language: $name is refused, and the next program runs',
  { timeout: 120_000 },
  async ({ language, code, tests, ends }) => {
    const outcome = unwrap(await runner.run({ language, code, tests }))
    expect(outcome.passed).toBe(false)
    expect(ends ?? ['test-failed', 'error']).toContain(outcome.end)
    const right = language === 'python' ? 'assert 1 + 1 == 2' : 'assert(1 + 1 === 2)'
    expect(unwrap(await runner.run({ language, code: '', tests: right }))).toMatchObject({ passed: true })
  },
)
