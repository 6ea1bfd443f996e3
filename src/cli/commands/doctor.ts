// doctor: the self-test of core/system, printed check by check.
import { listModels } from '#core/models/model-library.ts'
import { describeMachine } from '#core/system/machine.ts'
import { runSelfTest } from '#core/system/self-test.ts'
import type { SelfTestCheck } from '#shared/contract/index.ts'
import { attempt, describeProblem } from '#shared/result.ts'
import { type Application, appVersion } from '../application.ts'
import { exitCodes } from '../output.ts'

const titles: Readonly<Record<SelfTestCheck['id'], string>> = {
  computer: 'Computer',
  graphics: 'Graphics card',
  disk: 'Disk',
  journal: 'Journal',
  trainer: 'Training process',
  scorer: 'Scoring process',
  generator: 'Answering process',
  models: 'Models',
}

/** Runs every check, prints them and fails the command if one of them failed. */
export async function runDoctor(application: Application): Promise<void> {
  const { library, launcher, output } = application
  const checks = await runSelfTest(
    {
      library,
      launcher,
      canWrite: () => attempt(() => application.writer()),
    },
    ({ id, problem, detail, seconds }) => {
      const found = problem === null ? detail : describeProblem(problem)
      output.line(`${problem === null ? '✓' : '✗'} ${titles[id]} (${seconds.toFixed(1)} s): ${found}`)
    },
    (id) => output.progress(`${titles[id]}…`),
  )
  const { platform } = describeMachine()
  const node = process.versions.node
  output.line(`Tunewright ${appVersion}, Node ${node}, ${platform}`)
  output.result({
    version: appVersion,
    node,
    platform,
    checks: checks.map(({ id, ...check }) => ({
      title: titles[id],
      isGood: check.problem === null,
      ...check,
    })),
  })
  const listed = await listModels(library).catch(() => null)
  if (listed?.models.length === 0) output.line('Add a model with: tunewright models add starter')
  if (checks.some(({ problem }) => problem !== null)) application.setExitCode(exitCodes.problem)
}
