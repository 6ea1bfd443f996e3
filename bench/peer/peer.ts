// The Python that measures Hugging Face PEFT beside us, and its scripts as functions. Without one the benchmarks go on
// alone.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export interface Peer {
  readonly python: string
  /** 'torch 2.15.0, transformers 5.24.0, peft 0.21.2' */
  readonly versions: string
}

const question =
  "import torch, transformers, peft; print(', '.join(f'{m.__name__} {m.__version__}' for m in (torch, transformers, peft)))"

/** TUNEWRIGHT_PEER_PYTHON, else bench/peer/.venv; null with a line that says why there is none. */
export async function findPeer(): Promise<Peer | null> {
  const python = process.env.TUNEWRIGHT_PEER_PYTHON ?? here('.venv/bin/python')
  const missing = (why: string): null => {
    console.log(
      `PEFT is not measured in this run: ${why} (bench/peer/requirements.txt says how to bring it).`,
    )
    return null
  }
  if (!existsSync(python)) return missing(`there is no ${python}`)
  try {
    const { stdout } = await run(python, ['-c', question])
    return { python, versions: stdout.trim().split('\n').at(-1)! }
  } catch {
    return missing(`${python} cannot import torch, transformers and peft`)
  }
}

/** Runs `<script>.py` with `parameters` as its argument; what it prints last is its result. */
export async function askPeer<T>(
  { python }: Peer,
  script: 'step' | 'device' | 'epoch' | 'embeddings',
  parameters: object,
): Promise<T> {
  const environment = {
    ...process.env,
    HF_HUB_OFFLINE: '1',
    PYTHONWARNINGS: 'ignore',
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const { stdout } = await run(python, [here(`${script}.py`), JSON.stringify(parameters)], {
    env: environment,
    maxBuffer: 1 << 24,
  })
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T
}
