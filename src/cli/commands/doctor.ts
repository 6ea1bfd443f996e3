// doctor: the self-test of core/system, printed check by check.
import { runSelfTest } from '#core/system/self-test.ts'
import type { SelfTestCheck } from '#shared/contract/index.ts'
import { attempt } from '#shared/result.ts'
import { type Application, appVersion } from '../application.ts'
import { exitCodes } from '../output.ts'

const titles: Readonly<Record<SelfTestCheck['id'], string>> = {
  computer: 'Computer',
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
      reader: () => application.reader(),
      canWrite: () => attempt(() => application.writer()),
    },
    ({ id, isGood, detail, seconds }) =>
      output.line(`${isGood ? '✓' : '✗'} ${titles[id]}: ${detail} (${seconds.toFixed(1)} s)`),
    (id) => output.progress(`${titles[id]}…`),
  )
  output.result({
    version: appVersion,
    checks: checks.map(({ id, ...check }) => ({ title: titles[id], ...check })),
  })
  if (checks.some((check) => !check.isGood)) application.setExitCode(exitCodes.problem)
}
