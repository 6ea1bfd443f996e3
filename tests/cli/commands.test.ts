// The command line as a person or a script uses it: real processes, a real (tiny) model, one library for the whole story.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ask, askJson } from './own-process.ts'
import { heardLine, killTrainer, openTerminal, type Terminal } from './terminal.ts'

// Several processes each, the trainers of lowered priority. A test that gave up early would leave the journal locked.
vi.setConfig({ testTimeout: 300_000 })

let terminal: Terminal
beforeAll(async () => {
  terminal = await openTerminal()
})
afterAll(() => terminal.close())

interface Compared {
  metric: string
  base: { value: number }
  tuned: { value: number }
}

interface Trained {
  runId: string
  status: string
}
interface Shown {
  run: { status: string; attempts: number; adapterSha256: string | null; bestStep: number | null }
  curve: { train: { step: number; lossNats: number }[]; validation: { step: number }[] }
  comparisons: unknown[]
  artifacts: { kind: string; path: string; sha256: string }[]
}

/** One that is still at work when it is disturbed. */
const startLongTraining = () =>
  terminal.start('train', terminal.recipe, '--epochs', '200', '--set', 'evaluation.patience=null')

describe('the whole story', () => {
  let undisturbed: Shown
  let runId: string

  test('a run from a recipe file ends finished, with its curves in the journal', async () => {
    const trained = await terminal.runJson<Trained>('train', terminal.recipe)
    expect(trained.status).toBe('finished')
    runId = trained.runId
    undisturbed = await askJson<Shown>(terminal, 'runs', 'show', runId)
    expect(undisturbed.run).toMatchObject({ status: 'finished', attempts: 1 })
    expect(undisturbed.curve.train.length).toBeGreaterThan(10)
    expect(undisturbed.curve.validation.length).toBeGreaterThan(3)
    expect(undisturbed.artifacts.map(({ kind }) => kind)).toEqual(['adapter', 'adapter'])
  })

  test('repeated, it gives the same bits, which is said at once and whenever the repeat is shown', async () => {
    const repeated = await askJson<Trained & { repeat: { kind: string } }>(terminal, 'runs', 'repeat', runId)
    expect(repeated).toMatchObject({ status: 'finished', repeat: { kind: 'same', originalId: runId } })
    const shown = await ask(terminal, 'runs', 'show', repeated.runId)
    expect(shown.out).toMatch(
      new RegExp(`^repeats Tiny \\(${runId}\\): The same came out to the last bit: \\d+ losses`, 'm'),
    )
    const original = await ask(terminal, 'runs', 'show', runId)
    expect(original.out).not.toContain('repeats')
    expect(original.out).toMatch(/^Tunewright \d\S+, code [0-9a-f]{12}$/m)
    expect(original.out).toMatch(/^took \d+ s of work$/m)
  })

  test('Ctrl-C stops cleanly with exit code 130; resumed, the run ends bit for bit like the undisturbed one', async () => {
    const training = terminal.start('train', terminal.recipe)
    await heardLine(training, /step [3-9]/)
    training.child.kill('SIGINT')
    const stopped = await training.done
    expect(stopped.code).toBe(130)
    expect(stopped.error).toMatch(/runs resume run-/)
    const id = /runs resume (run-\S+)/.exec(stopped.error)?.[1] ?? ''
    expect((await askJson<Shown>(terminal, 'runs', 'show', id)).run.status).toBe('cancelled')
    const resumed = await terminal.run('runs', 'resume', id)
    expect(resumed.code).toBe(0)
    const shown = await askJson<Shown>(terminal, 'runs', 'show', id)
    expect(shown.run.adapterSha256).toBe(undisturbed.run.adapterSha256)
    expect(shown.curve.train.map(({ lossNats }) => lossNats)).toEqual(
      undisturbed.curve.train.map(({ lossNats }) => lossNats),
    )
  })

  test('killed with kill -9 the run is found interrupted at the next start, and resumes to the same bits', async () => {
    const training = terminal.start('train', terminal.recipe, '--set', 'checkpoints.everySteps=2')
    await heardLine(training, /step [4-9]/)
    training.child.kill('SIGKILL')
    await training.done
    const list = await askJson<{ runs: { id: string; status: string }[] }>(terminal, 'runs', 'list')
    const id = list.runs[0].id
    expect(list.runs[0].status).toBe('interrupted')
    const resumed = await terminal.run('runs', 'resume', 'latest')
    expect(resumed.code).toBe(0)
    const shown = await askJson<Shown>(terminal, 'runs', 'show', id)
    expect(shown.run).toMatchObject({
      status: 'finished',
      attempts: 2,
      adapterSha256: undisturbed.run.adapterSha256,
    })
  })

  test('a run that was killed before its first checkpoint says that it begins again', async () => {
    const training = terminal.start('train', terminal.recipe)
    await heardLine(training, /Training on/)
    training.child.kill('SIGKILL')
    await training.done
    const resumed = await terminal.run('runs', 'resume', 'latest')
    expect(resumed.error).toContain('no checkpoint to go on from')
    expect(resumed.code).toBe(0)
  })

  test('a call of the workstation answers in JSON, asked for or not', async () => {
    const plain = await terminal.run('call', 'projects.list')
    expect(plain.code).toBe(0)
    expect(JSON.parse(plain.out)).toEqual(await askJson(terminal, 'call', 'projects.list'))
  })

  test('another terminal cancels a run that trains', async () => {
    const training = startLongTraining()
    await heardLine(training, /step [2-9]/)
    const list = await askJson<{ runs: { id: string; status: string }[] }>(terminal, 'runs', 'list')
    expect(list.runs[0].status).toBe('running')
    expect(await terminal.runJson<object>('runs', 'cancel', list.runs[0].id)).toMatchObject({
      status: 'asked',
    })
    expect((await training.done).code).toBe(130)
    expect((await askJson<Shown>(terminal, 'runs', 'show', list.runs[0].id)).run.status).toBe('cancelled')
  })

  test('the proof measures both models on the locked rows and the journal keeps the opening', async () => {
    const report = await askJson<{
      rows: number
      metric: string
      verdict: { sentence: string }
      difference: object
    }>(terminal, 'proof', runId)
    expect(report.metric).toBe('accuracy')
    expect(report.rows).toBeGreaterThan(5)
    expect(report.verdict.sentence).not.toBe('')
    const shown = await askJson<Shown>(terminal, 'runs', 'show', runId)
    expect(shown.comparisons).toHaveLength(1)
  })

  test('texts of the field are read before the rows, by a flag, and told before and afterwards', async () => {
    const texts = join(terminal.work, 'handbook.jsonl')
    const passages = ['The courier brings the parcel.', 'The bill goes with it.', 'A last word.']
    writeFileSync(texts, passages.map((text) => JSON.stringify({ text })).join('\n'))
    const trained = await ask(
      terminal,
      'train',
      terminal.recipe,
      '--before',
      texts,
      '--set',
      'before.epochs=2',
      '--epochs',
      '1',
    )
    expect(trained.code).toBe(0)
    expect(trained.error).toMatch(/Training on 3 texts of the field, 2 steps, then on \d+ rows, \d+ steps;/)
    expect(trained.out).toMatch(/^handbook\.jsonl: 3 texts to read first, 0 left out\.$/m)
    expect(trained.out).toMatch(
      /before the rows +texts of the field \(domain text\), 2 passes, learning rate 0\.01/,
    )
    const shown = await ask(terminal, 'runs', 'show', 'latest')
    expect(shown.out).toMatch(/before the rows +texts of the field/)
    const { run: journaled } = await askJson<{
      run: { status: string; recipe: { before: object } }
    }>(terminal, 'runs', 'show', 'latest')
    expect(journaled).toMatchObject({
      status: 'finished',
      recipe: { before: { epochs: 2, learningRate: null } },
    })
    const refused = await ask(
      terminal,
      'train',
      terminal.recipe,
      '--before',
      join(terminal.work, 'nowhere.txt'),
    )
    expect(refused.code).toBe(1)
    expect(refused.error).toContain('the file of the first stage')
  })

  test('a run that trains the whole model is proved against its base and taken away as a model of its own', async () => {
    const trained = await askJson<Trained>(
      terminal,
      'train',
      terminal.recipe,
      '--method',
      'full',
      '--epochs',
      '2',
    )
    const { run, artifacts } = await askJson<Shown>(terminal, 'runs', 'show', trained.runId)
    expect([...new Set(artifacts.map(({ kind }) => kind))]).toEqual(['model'])
    expect(artifacts).toHaveLength(4)
    const report = await askJson<{ baseline: { value: number }; comparisons: Compared[] }>(
      terminal,
      'proof',
      trained.runId,
    )
    const loss = report.comparisons.find(({ metric }) => metric === 'lossNats')!
    expect(loss.tuned.value).toBeLessThan(loss.base.value - 0.5)
    const exported = await askJson<{ files: { name: string; sha256: string }[] }>(
      terminal,
      'export',
      trained.runId,
    )
    expect(exported.files.find(({ name }) => name === 'model.safetensors')?.sha256).toBe(run.adapterSha256)
    const gguf = await askJson<{ files: { name: string }[] }>(
      terminal,
      'export',
      trained.runId,
      '--as',
      'gguf-q8',
    )
    expect(gguf.files.map(({ name }) => name)).toContain('model-Q8_0.gguf')
    const refused = await ask(terminal, 'export', trained.runId, '--as', 'peft')
    expect(refused.code).toBe(1)
    expect(refused.error).toContain('it trained the model itself')
  })

  test('a new last layer names a text, is proved beside what needs no model, and goes away with its model', async () => {
    const layer = ['--method', 'lora-head', '--epochs', '2']
    const trained = await askJson<Trained>(terminal, 'train', terminal.recipe, ...layer)
    const named = await askJson<{
      answer: string
      names: null
      probabilities: { probability: number }[]
    }>(terminal, 'predict', trained.runId, 'where is my parcel')
    expect(['money', 'shipping', 'access']).toContain(named.answer)
    expect(named.probabilities.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5)
    const proved = await ask(terminal, 'proof', trained.runId)
    expect(proved.out).toMatch(/Without any model, always answering "(money|shipping|access)" reaches \d/)
    const exported = await askJson<{ folder: string }>(terminal, 'export', trained.runId)
    expect(readFileSync(join(exported.folder, 'README.md'), 'utf8')).toContain(
      'LlamaForSequenceClassification',
    )
    const refused = await ask(terminal, 'export', trained.runId, '--as', 'gguf-q8')
    expect(refused.code).toBe(1)
    expect(refused.error).toContain('Export it as a model folder')
  })

  test('a new last layer that gets no better says that it stopped by itself and what is kept (it said nothing)', async () => {
    const tooMuch = ['--method', 'head', '--learning-rate', '1']
    const trained = await ask(terminal, 'train', terminal.recipe, ...tooMuch)
    expect(trained.out).toMatch(/^It stopped by itself at step \d+ of 60\./m)
    expect(trained.out).toContain('What is kept is the model as it was before.')
  })

  test('Ctrl-C while a proof is measured ends with exit code 130 (it was 1) and keeps nothing', async () => {
    const proof = terminal.start('--json', 'proof', runId)
    await heardLine(proof, /locked test set/)
    proof.child.kill('SIGINT')
    const stopped = await proof.done
    expect(stopped.code).toBe(130)
    expect(JSON.parse(stopped.out)).toMatchObject({ problem: { code: 'proof.cancelled' } })
    expect((await askJson<Shown>(terminal, 'runs', 'show', runId)).comparisons).toHaveLength(1)
  })

  test('a run without validation rows says so (it was "every 0 steps") and keeps its last version', async () => {
    const trained = await ask(
      terminal,
      '--json',
      'train',
      terminal.recipe,
      '--epochs',
      '1',
      '--set',
      'data.validationShare=0',
    )
    expect(trained.code).toBe(0)
    expect(trained.error).toContain('there are no validation rows to measure on')
    expect(trained.error).not.toContain('NaN')
    expect(JSON.parse(trained.out)).toMatchObject({ status: 'finished', curve: { validation: [] } })
  })

  test('a run that fails is one JSON document, not a problem and a result after it', async () => {
    const training = terminal.start('--json', 'train', terminal.recipe, '--epochs', '500')
    await heardLine(training, /step 2/)
    killTrainer(training.child.pid!)
    const failed = await training.done
    expect(failed.code).toBe(1)
    expect(failed.error).toContain('what to do')
    expect(JSON.parse(failed.out)).toMatchObject({
      runId: expect.stringMatching(/^run-/),
      problem: { code: 'trainer.crashed' },
    })
  })

  test('what cannot fit is refused before there is a run', async () => {
    const refused = await ask(terminal, '--json', 'train', terminal.recipe, '--set', 'batch.maxTokens=16')
    expect(refused.code).toBe(1)
    const { problem, ...more } = JSON.parse(refused.out)
    expect(problem).toMatchObject({ code: 'data.too-few-rows', where: 'the rows' })
    expect(more).toEqual({})
  })

  test('a changed adapter configuration is noticed: nothing is proved or exported with it', async () => {
    const path = join(terminal.home, 'runs', runId, 'adapter', 'adapter_config.json')
    const honest = readFileSync(path, 'utf8')
    writeFileSync(path, honest.replace('"lora_alpha": 8', '"lora_alpha": 800'))
    for (const command of ['proof', 'export']) {
      const refused = await ask(terminal, command, runId)
      expect(refused.code).toBe(1)
      expect(refused.error).toContain('not the one that the run wrote')
    }
    writeFileSync(path, honest)
    expect((await askJson<Shown>(terminal, 'runs', 'show', runId)).comparisons).toHaveLength(1)
  })

  test('the exported adapter is the journalled one, and a second export does not touch the first', async () => {
    const first = await terminal.runJson<{ folder: string; files: { name: string; sha256: string }[] }>(
      'export',
      runId,
      '--as',
      'peft',
    )
    const second = await terminal.runJson<{ folder: string }>('export', runId)
    expect(second.folder).not.toBe(first.folder)
    expect(first.files.find(({ name }) => name === 'adapter_model.safetensors')?.sha256).toBe(
      undisturbed.run.adapterSha256,
    )
    expect(existsSync(join(first.folder, 'README.md'))).toBe(true)
    expect(readFileSync(join(first.folder, 'README.md'), 'utf8')).toContain('Right answers')
  })

  test('the self-test ticks everything', async () => {
    const report = await terminal.runJson<{ checks: { title: string; isGood: boolean }[] }>('doctor')
    expect(report.checks.filter(({ isGood }) => !isGood)).toEqual([])
    expect(report.checks.length).toBeGreaterThan(5)
  })

  test('a second writer is told who holds the journal', async () => {
    const training = startLongTraining()
    await heardLine(training, /step 2/)
    const second = await terminal.run('train', terminal.recipe)
    expect(second.code).toBe(1)
    expect(second.error).toContain(String(training.child.pid))
    const list = await askJson<{ runs: { id: string; status: string }[] }>(terminal, 'runs', 'list')
    const atRest = list.runs.find(({ status }) => status === 'cancelled')?.id ?? ''
    const refused = await ask(terminal, 'runs', 'cancel', atRest)
    expect(refused.code).toBe(1)
    expect(existsSync(join(terminal.home, 'runs', atRest, 'request.json'))).toBe(false)
    training.child.kill('SIGINT')
    await training.done
  })
})
