// What an export's card says, filled in: a test names only what it looks at.
import type { CardFacts } from '#core/export/model-card.ts'
import { recipe } from '#shared/recipe.ts'

const sha256 = 'a'.repeat(64)
const fingerprint = '0123456789abcdef'

export const trainedWith = (instruction: string): CardFacts['recipe'] =>
  recipe.parse({
    version: 1,
    model: { id: 'm-1', weightsSha256: sha256 },
    data: { fingerprint },
    scenario: 'classification',
    instruction,
    threads: 2,
  })

export const cardFacts: CardFacts = {
  form: 'peft',
  runName: 'tickets, second try',
  runId: 'run-1',
  createdAtMs: Date.UTC(2026, 10, 24),
  appVersion: '0.1.0',
  scenarioTitle: 'Sort texts into categories',
  baseModel: {
    name: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    revision: 'c'.repeat(40),
    licence: 'Apache-2.0',
    weightsSha256: sha256,
    copy: 'a 4-bit (Q4_1) copy (file x.gguf), stored as float32',
    isExact: false,
    isTwoHalves: false,
  },
  data: { fileName: 'tickets.csv', fingerprint, trainRows: 90, validationRows: 20, testRows: 40 },
  recipe: trainedWith('Answer with the label.\n# and nothing else'),
  proof: null,
  head: null,
}
