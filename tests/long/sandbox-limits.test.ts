// The sandbox's slow refusals: programs that have to be ended with their process, each followed by one that passes.
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

const slow = [
  ...pythonEscapes.map((one) => ({ ...one, language: 'python' as const, tests: pythonTests })),
  ...javascriptEscapes.map((one) => ({ ...one, language: 'javascript' as const, tests: javascriptTests })),
].filter(({ isSlow }) => isSlow === true)

test.each(slow)(
  '$language: $name is refused, and the next program runs',
  { timeout: 120_000 },
  async ({ language, code, tests, ends }) => {
    const outcome = unwrap(await runner.run({ language, code, tests }))
    expect(outcome.passed).toBe(false)
    expect(ends).toContain(outcome.end)
    const right = language === 'python' ? 'assert 1 + 1 == 2' : 'assert(1 + 1 === 2)'
    expect(unwrap(await runner.run({ language, code: '', tests: right }))).toMatchObject({ passed: true })
  },
)
