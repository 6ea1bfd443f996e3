// NVIDIA's tool as a script that says what a test wants, before any other that there is, for this process and what it starts.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { onTestFinished, vi } from 'vitest'

/** For Linux. Facts of cards are read once a minute in a process: to be put before anything asks for them. */
export function putNvidiaSmi(said: string, code = 0): void {
  const folder = mkdtempSync(join(tmpdir(), 'tunewright-nvidia-smi-'))
  const script = join(folder, 'nvidia-smi')
  writeFileSync(script, `#!/bin/sh\ncat <<'END'\n${said}\nEND\nexit ${code}\n`)
  chmodSync(script, 0o755)
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`)
  onTestFinished(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  })
}
