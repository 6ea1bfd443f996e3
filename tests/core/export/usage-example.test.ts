import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { usageExample } from '#core/export/usage-example.ts'
import { findPython } from '../../support/models.ts'
import { cardFacts, trainedWith } from './card-facts.ts'

const baseModel = { ...cardFacts.baseModel, name: 'owner/name', revision: 'f'.repeat(40) }
const example = (instruction: string) => usageExample('Übung 2', baseModel, trainedWith(instruction))
const hostile = 'one "two"\n```\r\n\\" + open("x") #\u2028\u0085\u202e 🚲 é \t{}%s'
const python = findPython('peft')

describe('the program in the README', () => {
  test('has every foreign text on one line, and no system message where there is none', () => {
    expect(example(hostile).split('\n')).toHaveLength(example('plain').split('\n').length)
    expect(example(hostile)).not.toMatch(/[\u0085\u2028\u202e\r]|^```/mu)
    expect(example(' ')).not.toMatch(/SYSTEM|system/u)
    expect(example('plain')).toContain(`AutoTokenizer.from_pretrained(BASE, revision="${'f'.repeat(40)}")`)
  })

  test.skipIf(!python)('gives Python the instruction word for word', () => {
    const read =
      'import ast,json,sys\nfor n in ast.parse(sys.stdin.read()).body:\n' +
      ' if isinstance(n,ast.Assign) and n.targets[0].id in ("SYSTEM","FOLDER"): print(json.dumps(n.value.value))'
    const printed = execFileSync(python!, ['-c', read], { input: example(hostile), encoding: 'utf8' })
    expect(
      printed
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(['Übung 2', hostile])
  })
})
