// Tries a stranger's tokenizer and chat template in a thread that is killed when it takes too long, before anything of
// them enters the library. What passed here has run once; work limits in formats/ bound it from then on.
import { Worker } from 'node:worker_threads'
import type { ProblemCode } from '#shared/problem-codes.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'
import { entryPath } from '../system/program-places.ts'
import type { ProbeTask, TokenizerFacts } from './probe-worker.ts'

const probeLimits = {
  startMs: 30_000,
  /** One rendering, and the parsing of the template. */
  templateMs: 500,
  /** Reading a vocabulary of 250,000 tokens takes about 2 s on a slow computer. */
  tokenizerLoadMs: 20_000,
  /** Each sample text. */
  encodeMs: 2_000,
  memoryMb: 1_024,
} as const

export interface TextSide {
  readonly tokenizerText: string
  readonly tokenizerConfigText: string
  /** Null for a model that was not made for conversations. */
  readonly templateSource: string | null
}

/** Long runs, alone and before something that no longer fits: there badly built patterns try every way to split. */
const runs = ['a', 'aA', ' ', '\n \t', '1', "'", '!?.,', '漢'].map((part) => part.repeat(1_200 / part.length))
const sampleTexts: readonly string[] = [
  'Hello, world! It is 12:45 on 3 May; the price is 1,234.50.',
  'žluťoučký 漢字 العربية 👩‍👩‍👧‍👦 '.repeat(60),
  ...runs.flatMap((run) => [run, `${run}x`, `${run}!`, `${run}\u0000`]),
]

interface Conversation {
  readonly messages: readonly ChatMessage[]
  readonly addGenerationPrompt: boolean
  /** Every template must render it; others may refuse it (some know no system message, some demand turns). */
  readonly isRequired: boolean
}

const user = (content: string): ChatMessage => ({ role: 'user', content })
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })
const system = (content: string): ChatMessage => ({ role: 'system', content })

const conversations: readonly Conversation[] = [
  { messages: [user('What is two plus two?')], addGenerationPrompt: true, isRequired: true },
  {
    messages: [user('What is two plus two?'), assistant('It is four.')],
    addGenerationPrompt: false,
    isRequired: true,
  },
  { messages: [system('Answer briefly.'), user('Hello')], addGenerationPrompt: true, isRequired: false },
  {
    messages: [user('one'), assistant('two'), user('three'), assistant('four')],
    addGenerationPrompt: false,
    isRequired: false,
  },
  { messages: [user('word '.repeat(4_000))], addGenerationPrompt: true, isRequired: true },
  {
    messages: [user('{{ 7 * 7 }}{% for x in y %}</s><|im_end|>\n</think>'), assistant('')],
    addGenerationPrompt: false,
    isRequired: false,
  },
]

/**
 * Problems: `tokenizer.invalid`, `template.invalid`, `template.too-slow`, `limit.exceeded`. A tokenizer that is too
 * slow is `tokenizer.invalid`.
 */
export async function probeTextSide(side: TextSide): Promise<Result<TokenizerFacts>> {
  return attemptAsync(() =>
    withProbe(async (probe) => {
      const facts = (await probe.ask(
        { kind: 'tokenizer', tokenizerText: side.tokenizerText, configText: side.tokenizerConfigText },
        probeLimits.tokenizerLoadMs,
      )) as TokenizerFacts
      for (const text of sampleTexts) await probe.ask({ kind: 'encode', text }, probeLimits.encodeMs)
      if (side.templateSource !== null) await renderAll(probe, side.templateSource, facts)
      return facts
    }),
  )
}

async function renderAll(
  probe: Probe,
  source: string,
  { bosToken, eosToken }: TokenizerFacts,
): Promise<void> {
  await probe.ask({ kind: 'compile', source, bosToken, eosToken }, probeLimits.templateMs)
  for (const { isRequired, ...conversation } of conversations) {
    const hasAnswer = conversation.messages.some((message) => message.role === 'assistant')
    const mustTrain = isRequired && hasAnswer
    try {
      const text = await probe.ask({ kind: 'render', mustTrain, ...conversation }, probeLimits.templateMs)
      if (isRequired) requireWords(String(text), conversation.messages)
    } catch (error) {
      const mayRefuse = error instanceof ProblemError && error.problem.code === 'template.invalid'
      if (isRequired || !mayRefuse) throw error
    }
  }
}

/** A template that drops what a person says is no chat template. */
function requireWords(text: string, messages: readonly ChatMessage[]): void {
  for (const { content } of messages)
    if (!text.includes(content.trim()))
      throw refused('render', 'template.invalid', 'leaves out what a message says', content.slice(0, 100))
}

interface Probe {
  /** Throws the Problem of the task, or one that says it took too long. */
  ask(task: ProbeTask, limitMs: number): Promise<unknown>
}

async function withProbe<T>(work: (probe: Probe) => Promise<T>): Promise<T> {
  const worker = new Worker(entryPath('probe-worker'), {
    resourceLimits: { maxOldGenerationSizeMb: probeLimits.memoryMb, stackSizeMb: 4 },
    stdin: false,
    env: {},
  })
  try {
    await nextMessage(worker, probeLimits.startMs, 'tokenizer')
    return await work({
      async ask(task, limitMs) {
        worker.postMessage(task)
        return unwrap((await nextMessage(worker, limitMs, task.kind)) as Result<unknown>)
      },
    })
  } finally {
    await worker.terminate()
  }
}

function nextMessage(worker: Worker, limitMs: number, kind: ProbeTask['kind']): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(() => reject(tooSlow(kind, limitMs))), limitMs)
    const onMessage = (message: unknown): void => settle(() => resolve(message))
    const onError = (error: unknown): void => settle(() => reject(overLimit(kind, String(error))))
    const onExit = (): void => settle(() => reject(overLimit(kind, 'the thread ended')))
    const settle = (end: () => void): void => {
      clearTimeout(timer)
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      end()
    }
    worker.once('message', onMessage).once('error', onError).once('exit', onExit)
  })
}

const isTemplate = (kind: ProbeTask['kind']): boolean => kind === 'compile' || kind === 'render'

function refused(kind: ProbeTask['kind'], code: ProblemCode, words: string, details: string): ProblemError {
  const what = isTemplate(kind) ? 'chat template' : 'tokenizer'
  return new ProblemError({
    code,
    message: `The model's ${what} ${words}.`,
    where: isTemplate(kind) ? 'chat template' : 'tokenizer.json',
    remedy: `Use the publisher's own ${what} for this model, or a model from a publisher you trust.`,
    details,
  })
}

const tooSlow = (kind: ProbeTask['kind'], limitMs: number): ProblemError =>
  refused(
    kind,
    isTemplate(kind) ? 'template.too-slow' : 'tokenizer.invalid',
    `takes too long (over ${limitMs} ms)`,
    kind,
  )

const overLimit = (kind: ProbeTask['kind'], details: string): ProblemError =>
  refused(
    kind,
    isTemplate(kind) ? 'template.too-slow' : 'tokenizer.invalid',
    'needs more memory than it may have',
    details,
  )
