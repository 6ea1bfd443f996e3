// Packs the desktop program: `npm run package` for this system's installers, `npm run package:dir` for a folder that runs.
//   --electron FOLDER   takes Electron from this folder (its file `version` says which) instead of fetching it
//   --open-for-tests    no archive and no fuses: an old test Electron's helpers and a test's remote control can get in
//   --output FOLDER     where the result goes, else dist
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { load } from 'js-yaml'
import { bindingPlace, bindingResource } from '../src/core/engines/beside-parts.ts'
import { enginePack } from '../src/core/engines/engine-packs.ts'
import { describeProblem } from '../src/shared/result.ts'
import { fetchTensorflow } from './fetch-tensorflow.ts'
import { ensureBuilt } from './program-build.ts'
import { tensorflowFolder } from './tensorflow-folder.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({
  options: {
    dir: { type: 'boolean', default: false },
    electron: { type: 'string' },
    output: { type: 'string' },
    'open-for-tests': { type: 'boolean', default: false },
  },
})

/** Fuses that an Electron older than this has not. */
const fuseSince: Readonly<Record<string, number>> = { grantFileProtocolExtraPrivileges: 29 }

interface Settings {
  readonly electronFuses: Readonly<Record<string, boolean>>
  readonly [setting: string]: unknown
}

/** electron-builder.yml with what is different this time. */
function settings(): Record<string, unknown> {
  const usual = load(readFileSync(join(root, 'electron-builder.yml'), 'utf8')) as Settings
  const given = values.electron ? givenElectron(values.electron, usual) : {}
  return {
    ...usual,
    ...given,
    ...(values.output && {
      directories: { output: resolve(values.output), buildResources: 'resources/icons' },
    }),
    ...(values['open-for-tests'] && { asar: false, electronFuses: undefined }),
  }
}

function givenElectron(folder: string, { electronFuses }: Settings): Record<string, unknown> {
  const version = readFileSync(join(folder, 'version'), 'utf8').trim().replace(/^v/, '')
  const major = Number(version.split('.')[0])
  const known = Object.entries(electronFuses).filter(([name]) => major >= (fuseSince[name] ?? 0))
  return {
    electronDist: resolve(folder),
    electronVersion: version,
    electronFuses: Object.fromEntries(known),
  }
}

/** What connects the program with TensorFlow, and our own operators, go along ready made: nothing is compiled where it is installed. */
async function addTensorflowParts(): Promise<void> {
  const system = `${process.platform} ${process.arch}`
  if (!enginePack('tensorflow').systems.includes(system)) return
  const fetched = await fetchTensorflow()
  if (fetched.ok) {
    const target = bindingResource(system)
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(join(tensorflowFolder, bindingPlace), target)
    if (fetched.value === null) return
    process.stderr.write(`Tunewright's own operators for TensorFlow could not be built.\n${fetched.value}\n`)
  } else
    process.stderr.write(
      `The binding of TensorFlow could not be made.\n${describeProblem(fetched.problem)}\n`,
    )
  // An installer that lacks any of them is not given to anybody; a folder to try out is.
  if (!values.dir) process.exit(1)
}

function run(script: string, parameters: readonly string[]): void {
  const done = spawnSync(process.execPath, [join(root, 'node_modules', script), ...parameters], {
    cwd: root,
    stdio: 'inherit',
  })
  if (done.status !== 0) process.exit(done.status ?? 1)
}

const fault = await ensureBuilt(() => process.stderr.write('Building the program (some seconds)…\n'))
if (fault !== null) {
  process.stderr.write(`The program could not be built.\n${fault}\n`)
  process.exit(1)
}
await addTensorflowParts()
const folder = mkdtempSync(join(tmpdir(), 'tunewright-package-'))
const file = join(folder, 'electron-builder.json')
writeFileSync(file, JSON.stringify(settings()))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
run('electron-builder/cli.js', ['--config', file, '--publish', 'never', ...(values.dir ? ['--dir'] : [])])
