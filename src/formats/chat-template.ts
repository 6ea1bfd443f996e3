// Chat templates: the Jinja text inside a model that turns a conversation into the one string it was trained on.
// Templates come from strangers, so size, work and output are bounded and nothing of the host is in reach.
import { parse, tokenize } from '@huggingface/jinja'
import { attempt, ProblemError, type Result } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'
import { renderWithinBudget, templateLimits } from './chat-template-budget.ts'
import { findPositions, type TemplateNode } from './chat-template-tree.ts'

export interface ChatTemplate {
  readonly source: string
  /**
   * The conversation as text, special tokens included. With `addGenerationPrompt` it ends where an answer begins.
   * Problems: `template.invalid` (the template fails or refuses the roles), `template.too-slow`, `limit.exceeded`.
   */
  render(
    messages: readonly ChatMessage[],
    options?: { readonly addGenerationPrompt?: boolean },
  ): Result<string>
}

export interface ChatTemplateTokens {
  /** Texts of the special tokens that templates refer to as bos_token and eos_token. */
  readonly bosToken: string | null
  readonly eosToken: string | null
}

const remedy = "Use the publisher's own chat template for this model, unchanged."

const invalid = (message: string, details?: unknown): ProblemError =>
  new ProblemError({
    code: 'template.invalid',
    message,
    where: 'chat template',
    remedy,
    ...(details === undefined ? {} : { details: String(details).slice(0, 2000) }),
  })

/**
 * A run of white space this long is refused. The library's handling of `{% generation %}` takes time with the square of
 * such a run (256 KiB of blanks: minutes).
 */
const refusedWhiteSpaceRun = 256

type Parse = (tokens: unknown) => TemplateNode
type Tokenize = (source: string, options: { lstrip_blocks: boolean; trim_blocks: boolean }) => unknown

/**
 * Parses a template. Problems: `template.invalid`, `limit.exceeded` (source over 256 KiB).
 * Variables and white-space rules are those of apply_chat_template in Hugging Face transformers.
 */
export function compileChatTemplate(source: string, tokens: ChatTemplateTokens): Result<ChatTemplate> {
  return attempt(() => {
    if (new TextEncoder().encode(source).byteLength > templateLimits.sourceBytes)
      throw new ProblemError({
        code: 'limit.exceeded',
        message: `The chat template is longer than ${templateLimits.sourceBytes / 1024} KiB.`,
        where: 'chat template',
        remedy,
      })
    if (new RegExp(`\\s{${refusedWhiteSpaceRun}}`).test(source))
      throw invalid(`The chat template has ${refusedWhiteSpaceRun} blanks or more in a row.`)
    let program: TemplateNode
    try {
      const options = { lstrip_blocks: true, trim_blocks: true }
      program = (parse as unknown as Parse)((tokenize as unknown as Tokenize)(source, options))
    } catch (error) {
      throw invalid('The chat template could not be read.', error)
    }
    const positions = findPositions(program)
    return {
      source,
      render: (messages, options = {}) =>
        attempt(() => {
          requireLength(messages.reduce((sum, { content }) => sum + content.length, 0))
          const text = renderOrRefuse(() =>
            renderWithinBudget(program, positions, {
              messages: messages.map(({ role, content }) => ({ role, content })),
              add_generation_prompt: options.addGenerationPrompt ?? false,
              bos_token: tokens.bosToken ?? '',
              eos_token: tokens.eosToken ?? '',
              tools: null,
              documents: null,
            }),
          )
          requireLength(text.length)
          return text
        }),
    }
  })
}

/** A conversation that is too long is not the template's fault, so it has an answer of its own. */
function requireLength(chars: number): void {
  if (chars <= templateLimits.outputChars) return
  throw new ProblemError({
    code: 'limit.exceeded',
    message: `The conversation has more than ${templateLimits.outputChars} characters with its chat template.`,
    where: 'conversation',
    remedy: 'Use shorter texts.',
  })
}

/** Anything the library throws while it renders says that the template is at fault: it runs nothing else. */
function renderOrRefuse(render: () => string): string {
  try {
    return render()
  } catch (error) {
    if (error instanceof ProblemError) throw error
    throw invalid('The chat template failed on this conversation.', error)
  }
}

/**
 * The template's source in a parsed tokenizer_config.json: `chat_template` as text, or the one named "default" of a
 * list. Null where the model has none (a model that was not made for conversations).
 */
export function chatTemplateSource(tokenizerConfig: unknown): string | null {
  if (typeof tokenizerConfig !== 'object' || tokenizerConfig === null) return null
  const value: unknown = (tokenizerConfig as Record<string, unknown>).chat_template
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return null
  for (const entry of value as unknown[]) {
    const { name, template } = (entry ?? {}) as Record<string, unknown>
    if (name === 'default' && typeof template === 'string') return template
  }
  return null
}
