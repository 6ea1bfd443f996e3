// Where tests find real models and golden references. Every finder answers null where there is none; a test then skips
// itself with the notice printed here.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const starterName = 'SmolLM2-135M-Instruct.Q4_1.gguf'

/** Folders that may hold test models, the first that has what is wanted wins. */
function modelFolders(): string[] {
  return [
    process.env.TUNEWRIGHT_TEST_MODELS ?? '',
    join(homedir(), '.cache', 'tunewright-test-models'),
  ].filter((folder) => folder !== '' && existsSync(folder))
}

function findBelow(folder: string, accepts: (name: string) => boolean, depth = 6): string | null {
  const entries = readdirSync(folder, { withFileTypes: true })
  for (const entry of entries) if (entry.isFile() && accepts(entry.name)) return join(folder, entry.name)
  if (depth === 0) return null
  for (const entry of entries) {
    const found = entry.isDirectory() ? findBelow(join(folder, entry.name), accepts, depth - 1) : null
    if (found) return found
  }
  return null
}

/** A file of that name in a test-model folder, or null with a notice. */
export function findTestModel(name: string): string | null {
  for (const folder of modelFolders()) {
    const found = findBelow(folder, (candidate) => candidate === name)
    if (found) return found
  }
  console.info(
    `Skipped: ${name} is in none of the test-model folders. Set TUNEWRIGHT_TEST_MODELS to a folder that has it.`,
  )
  return null
}

/** The starter model's GGUF (SmolLM2-135M-Instruct, Q4_1), or null with a notice. */
export const findStarterGguf = (): string | null => findTestModel(starterName)

/** A path below ../shared (goldens, realdata), or null with a notice. */
export function findShared(relativePath: string): string | null {
  const path = resolve(repository, '..', 'shared', relativePath)
  if (existsSync(path)) return path
  console.info(`Skipped: ../shared/${relativePath} is not there.`)
  return null
}

/** A Python that finds `packageName` (PEFT checks, reference parsers), or null with a notice. */
export function findPython(packageName: string): string | null {
  const program = `import importlib.util, sys; sys.exit(importlib.util.find_spec(${JSON.stringify(packageName)}) is None)`
  for (const python of [process.env.TUNEWRIGHT_TEST_PYTHON, '/tmp/peft-venv/bin/python3', 'python3']) {
    if (python !== undefined && spawnSync(python, ['-c', program]).status === 0) return python
  }
  console.info(`Skipped: no Python with ${packageName}. Set TUNEWRIGHT_TEST_PYTHON to one that has it.`)
  return null
}
