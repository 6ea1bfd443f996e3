// The program in the README of a model with a new last layer: what it names in one text.
import type { HeadTask } from '../models/head-folder.ts'
import { pythonString } from './usage-example.ts'

/** What Hugging Face calls such a model's work. */
export const pipelineOf = ({ task }: { readonly task: HeadTask }): string =>
  task.kind === 'token-classes' ? 'token-classification' : 'text-classification'

/** `hasClass`: transformers has a class with this head. */
export const headExample = (folderName: string, task: HeadTask, hasClass: boolean): string =>
  (hasClass ? pipelineLines(folderName, task) : ownLines(folderName, task)).join('\n')

const asked = 'TEXT = "Write your text here."'

function pipelineLines(folderName: string, task: HeadTask): string[] {
  const isTagged = task.kind === 'token-classes'
  const how = isTagged ? 'aggregation_strategy="first"' : 'top_k=None'
  const shown = isTagged ? 'found["entity_group"], found["word"]' : 'found["label"]'
  return [
    'from transformers import pipeline',
    '',
    `FOLDER = ${pythonString(folderName)}`,
    asked,
    '',
    `name = pipeline("${pipelineOf({ task })}", model=FOLDER, dtype="float32", ${how})`,
    'for found in name([TEXT])[0]:',
    `    print(${shown}, round(float(found["score"]), 3))`,
  ]
}

/** By hand: the body, and the one linear layer that stands beside it in the file. */
function ownLines(folderName: string, task: HeadTask): string[] {
  const isTagged = task.kind === 'token-classes'
  const isAveraged = task.kind === 'sequence-classes' && task.isAveraged
  return [
    'import torch',
    'from safetensors.torch import load_file',
    'from transformers import AutoModel, AutoTokenizer',
    '',
    `FOLDER = ${pythonString(folderName)}`,
    asked,
    '',
    'tokenizer = AutoTokenizer.from_pretrained(FOLDER)',
    'body = AutoModel.from_pretrained(FOLDER, dtype="float32")',
    'weights = load_file(FOLDER + "/model.safetensors")',
    'head = [name for name in weights if name.startswith(("mean_classifier.", "score.", "classifier."))]',
    'layer = {name.split(".")[-1]: weights[name] for name in head}',
    'read = tokenizer(TEXT, return_tensors="pt")',
    'with torch.no_grad():',
    '    states = body(**read).last_hidden_state[0]',
    `    states = states${isAveraged ? '.mean(0, keepdim=True)' : isTagged ? '' : '[-1:]'}`,
    '    shares = torch.nn.functional.linear(states, layer["weight"], layer.get("bias")).softmax(-1)',
    ...(isTagged
      ? [
          'tokens = tokenizer.convert_ids_to_tokens(read["input_ids"][0])',
          'for token, share in zip(tokens, shares):',
          '    print(token, body.config.id2label[int(share.argmax())], round(float(share.max()), 3))',
        ]
      : [
          'for index, share in enumerate(shares[0].tolist()):',
          '    print(body.config.id2label[index], round(share, 3))',
        ]),
  ]
}
