// The thread in which a stranger's tokenizer and chat template run for the first time. It can be killed at any moment;
// it says "ready" when its modules are loaded, so that time limits count the stranger's work only.
import { parentPort } from 'node:worker_threads'
import { type ChatTemplate, compileChatTemplate } from '#formats/chat-template.ts'
import { maskConversation } from '#formats/completion-mask.ts'
import { loadTokenizer, type Tokenizer } from '#formats/tokenizer.ts'
import { attempt, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'

export type ProbeTask =
  | { readonly kind: 'tokenizer'; readonly tokenizerText: string; readonly configText: string }
  | { readonly kind: 'encode'; readonly text: string }
  | {
      readonly kind: 'compile'
      readonly source: string
      readonly bosToken: string | null
      readonly eosToken: string | null
    }
  | {
      readonly kind: 'render'
      readonly messages: readonly ChatMessage[]
      readonly addGenerationPrompt: boolean
      /** Where set, the conversation must also be trainable: the assistant's words found and labelled. */
      readonly mustTrain: boolean
    }

export interface TokenizerFacts {
  readonly vocabularySize: number
  readonly bosToken: string | null
  readonly eosToken: string | null
}

const port = parentPort
if (!port) throw new Error('probe-worker.ts runs as a worker thread only')

let tokenizer: Tokenizer | null = null
let template: ChatTemplate | null = null

function parseTokenizerFile(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ProblemError({
      code: 'tokenizer.invalid',
      message: 'The file is not JSON.',
      where,
      remedy: 'Download or copy the file again.',
      details: String(error),
    })
  }
}

function run(task: ProbeTask): Result<unknown> {
  return attempt(() => {
    switch (task.kind) {
      case 'tokenizer': {
        const json = parseTokenizerFile(task.tokenizerText, 'tokenizer.json')
        const config = parseTokenizerFile(task.configText, 'tokenizer_config.json')
        tokenizer = unwrap(loadTokenizer(json, config))
        const facts: TokenizerFacts = {
          vocabularySize: tokenizer.vocabularySize,
          bosToken: tokenizer.bos?.text ?? null,
          eosToken: tokenizer.eos?.text ?? null,
        }
        return facts
      }
      case 'encode':
        return tokenizer?.encode(task.text).length
      case 'compile':
        template = unwrap(compileChatTemplate(task.source, task))
        return null
      case 'render':
        return renderTask(task)
    }
  })
}

function renderTask(task: Extract<ProbeTask, { kind: 'render' }>): string {
  if (!template) throw new Error('compile comes first')
  const { messages, addGenerationPrompt, mustTrain } = task
  const text = unwrap(template.render(messages, { addGenerationPrompt }))
  if (mustTrain && tokenizer) {
    const { labels } = unwrap(maskConversation(tokenizer, template, messages))
    if (labels.every((label) => label < 0))
      throw new ProblemError({
        code: 'template.invalid',
        message: 'With this chat template no word of an answer would be trained.',
        where: 'chat template',
        remedy: "Use the publisher's own chat template for this model.",
      })
  }
  return text
}

port.on('message', (task: ProbeTask) => {
  try {
    port.postMessage(run(task))
  } catch (error) {
    // A stranger's file reached something that neither the library nor this code foresaw: refused, with its words.
    port.postMessage({
      ok: false,
      problem: {
        code: task.kind === 'compile' || task.kind === 'render' ? 'template.invalid' : 'tokenizer.invalid',
        message: 'The model brings text rules that could not be run.',
        where: task.kind,
        remedy: 'Use the files that belong to this model, unchanged.',
        details: String(error),
      },
    } satisfies Result<unknown>)
  }
})
port.postMessage('ready')
