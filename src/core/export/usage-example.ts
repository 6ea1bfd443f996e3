// The program in an export's README that answers one message. Foreign text stands in it as Python
// strings only: it can end neither the string, nor the line, nor the block of code.
import type { Recipe } from '#shared/recipe.ts'
import type { BaseModelFacts } from './base-model.ts'

/** What the example was last run with (docs/export.md). */
export const triedWith = 'transformers 5.24.0, peft 0.21.2 and torch 2.15.0'
export const wholeTriedWith = 'transformers 5.24.0 and torch 2.15.0'

/** Enough for a label or a short answer; the model ends earlier by itself. */
const mostNewTokens = 200

/** The adapter's program. `folderName`: the export's own folder, found from the folder that holds it. */
export function usageExample(folderName: string, base: BaseModelFacts, recipe: Recipe): string {
  const { name, revision } = base
  const pinned = revision === null ? '' : `, revision=${pythonString(revision)}`
  return [
    `from peft import AutoPeftModelFor${classOf(base)}`,
    'from transformers import AutoTokenizer',
    '',
    `FOLDER = ${pythonString(folderName)}`,
    `BASE = ${pythonString(name)}`,
    ...askingLines(base, recipe),
    `tokenizer = AutoTokenizer.from_pretrained(BASE${pinned})`,
    `model = AutoPeftModelFor${classOf(base)}.from_pretrained(FOLDER, dtype="float32")`,
    ...answeringLines(base, recipe),
  ].join('\n')
}

/** The program of a whole model. */
export const wholeExample = (folderName: string, base: BaseModelFacts, recipe: Recipe): string =>
  [
    `from transformers import AutoModelFor${classOf(base)}, AutoTokenizer`,
    '',
    `FOLDER = ${pythonString(folderName)}`,
    ...askingLines(base, recipe),
    'tokenizer = AutoTokenizer.from_pretrained(FOLDER)',
    `model = AutoModelFor${classOf(base)}.from_pretrained(FOLDER, dtype="float32")`,
    ...answeringLines(base, recipe),
  ].join('\n')

/** The command that opens a GGUF file in llama.cpp. */
export const ggufExample = (form: 'gguf-f16' | 'gguf-q8'): string =>
  `llama-cli -m model-${form === 'gguf-f16' ? 'F16' : 'Q8_0'}.gguf --temp 0 -p "Write your message here."`

const hasInstruction = ({ instruction }: Recipe): boolean => instruction.trim() !== ''

const classOf = ({ isTwoHalves }: BaseModelFacts): string => (isTwoHalves ? 'Seq2SeqLM' : 'CausalLM')

const askingLines = ({ isTwoHalves }: BaseModelFacts, recipe: Recipe): string[] => [
  ...(hasInstruction(recipe)
    ? [`${isTwoHalves ? 'INSTRUCTION' : 'SYSTEM'} = ${pythonString(recipe.instruction)}`]
    : []),
  'MESSAGE = "Write your message here."',
  '',
]

function answeringLines({ isTwoHalves }: BaseModelFacts, recipe: Recipe): string[] {
  const generated = `do_sample=False, max_new_tokens=${mostNewTokens}`
  if (isTwoHalves)
    return [
      `source = ${hasInstruction(recipe) ? 'INSTRUCTION + " " + ' : ''}MESSAGE`,
      `output = model.generate(**tokenizer(source, return_tensors="pt"), ${generated})`,
      'print(tokenizer.decode(output[0], skip_special_tokens=True))',
    ]
  const system = hasInstruction(recipe) ? '{"role": "system", "content": SYSTEM}, ' : ''
  return [
    `messages = [${system}{"role": "user", "content": MESSAGE}]`,
    'prompt = tokenizer.apply_chat_template(',
    '    messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"',
    ')',
    `output = model.generate(**prompt, ${generated})`,
    'print(tokenizer.decode(output[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))',
  ]
}

/**
 * JSON's escapes are Python's. Characters that JSON lets through but that break lines, or that turn the direction of
 * reading so that code looks like other code, are escaped too; all of them have four hexadecimal digits.
 */
export function pythonString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
