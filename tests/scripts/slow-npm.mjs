// In npm's place: installs nothing but what the scripts need to go on, as slowly as it is told, and fails as npm does where
// somebody else is at work in the folder. Every beginning and end is a line of the log.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const folder = join(process.cwd(), 'node_modules')
const log = join(process.cwd(), 'install.log')
const half = join(folder, 'half-done')
const { ms, exitCode } = JSON.parse(readFileSync(join(process.cwd(), 'slow-npm.json'), 'utf8'))

appendFileSync(log, `begin ${process.pid}\n`)
rmSync(folder, { recursive: true, force: true })
mkdirSync(join(folder, 'node', 'bin'), { recursive: true })
writeFileSync(half, String(process.pid))
await sleep(ms)
if (!existsSync(half) || readFileSync(half, 'utf8') !== String(process.pid)) {
  process.stderr.write('npm error code ENOTEMPTY\n')
  process.exit(1)
}
symlinkSync(process.execPath, join(folder, 'node', 'bin', 'node'))
rmSync(half)
appendFileSync(log, `end ${process.pid}\n`)
process.exit(exitCode)
