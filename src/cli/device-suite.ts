// The whole suite of the repository on one device, as `npm run test:device` runs it; a package has no tests.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { programRoot } from '#core/system/program-places.ts'
import type { DeviceId } from '#shared/devices.ts'
import type { Application } from './application.ts'

const script = 'test:device'

/** Its exit code, after its table was shown; null where only the program is here. With --json its words go to standard error. */
export async function runDeviceSuite(
  device: DeviceId,
  { library, output }: Pick<Application, 'library' | 'output'>,
): Promise<number | null> {
  const description = join(programRoot, 'package.json')
  const runner = join(programRoot, 'scripts', 'installed.mjs')
  const { scripts = {} } = JSON.parse(readFileSync(description, 'utf8')) as {
    scripts?: Record<string, string>
  }
  if (!(script in scripts) || !existsSync(runner) || !existsSync(join(programRoot, 'tests'))) return null
  const child = spawn(process.execPath, [runner, script, device], {
    cwd: programRoot,
    env: { ...process.env, TUNEWRIGHT_HOME: library.home },
    stdio: ['ignore', output.isJson ? 2 : 'inherit', 'inherit'],
  })
  return new Promise((resolve) => {
    child.once('error', () => resolve(1))
    child.once('close', (code) => resolve(code ?? 1))
  })
}
