// What single choices of a recipe do to the validation loss: every arm trains the same rows from the same seeds and is
// compared with the plain run seed by seed. Losses only, so it may run beside other work. Prints, asserts nothing.
import { parseArgs } from 'node:util'
import type { Recipe } from '#shared/recipe.ts'
import { type EpochCase, type EpochData, openEpochCase, trainEpochs } from './epoch-run.ts'

type Change = (recipe: Recipe) => Recipe

const regularised =
  (change: Partial<Recipe['regularisation']>): Change =>
  (recipe) => ({ ...recipe, regularisation: { ...recipe.regularisation, ...change } })

const onBase =
  (base: Recipe['method']['base']): Change =>
  (recipe) => ({ ...recipe, method: { ...recipe.method, base } })

/** All weights, at the rate that is usual for them. */
const whole =
  (layerDecay: number): Change =>
  (recipe) => ({
    ...recipe,
    method: { ...recipe.method, kind: 'full' },
    optimizer: { ...recipe.optimizer, learningRate: 2e-5, layerDecay },
  })

const arms = {
  plain: (recipe) => recipe,
  int8: onBase('int8'),
  int4: onBase('int4'),
  nf4: onBase('nf4'),
  neftune: regularised({ neftuneAlpha: 5 }),
  smoothing: regularised({ labelSmoothing: 0.1 }),
  full: whole(1),
  'full-decay': whole(0.9),
} as const satisfies Readonly<Record<string, Change>>

type Arm = keyof typeof arms

const everyLayer = {
  gradientCheckpointing: false,
  base: 'float',
  topLayers: null,
  reuseFrozenLayers: false,
} as const

const nats = (values: readonly number[]): string => values.map((value) => value.toFixed(4)).join(' ')

/** The loss at the end, for each seed. */
async function endsOf(
  arm: Arm,
  seeds: readonly number[],
  epochs: number,
  epochCase: EpochCase,
): Promise<number[]> {
  const ends: number[] = []
  for (const seed of seeds) {
    const change = (recipe: Recipe): Recipe => arms[arm]({ ...recipe, seed })
    const { lossesNats } = await trainEpochs(epochCase, { ...everyLayer, epochs, change })
    console.log(`  ${arm}, seed ${seed}: ${nats(lossesNats)}`)
    ends.push(lossesNats.at(-1)!)
  }
  return ends
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: 'mt' },
      rows: { type: 'string', default: '120' },
      epochs: { type: 'string', default: '2' },
      seeds: { type: 'string', default: '1,2,3' },
      arms: { type: 'string', default: 'int4,neftune,smoothing' },
      /** What the arms are compared with. */
      against: { type: 'string', default: 'plain' },
      threads: { type: 'string', default: '2' },
    },
  })
  const wanted = values.arms.split(',')
  const unknown = [values.against, ...wanted].filter((name) => !(name in arms))
  if (unknown.length > 0) {
    console.error(`No such arm: ${unknown.join(', ')}. There are ${Object.keys(arms).join(', ')}.`)
    process.exitCode = 2
    return
  }
  const seeds = values.seeds.split(',').map(Number)
  for (const data of values.data.split(',') as EpochData[]) {
    const epochCase = await openEpochCase(data, Number(values.rows), Number(values.threads))
    const { train, validation } = epochCase
    console.log(
      `${data}: ${train.length} rows, ${validation.length} to measure on; nats a labelled token before training and after each epoch.`,
    )
    const run = (arm: Arm): Promise<number[]> => endsOf(arm, seeds, Number(values.epochs), epochCase)
    const plain = await run(values.against as Arm)
    for (const arm of wanted as Arm[]) {
      const ends = await run(arm)
      const percent = ends.map((end, i) => (100 * (end - plain[i]!)) / plain[i]!)
      const mean = percent.reduce((sum, each) => sum + each, 0) / percent.length
      const each = percent.map((value) => value.toFixed(2)).join(', ')
      console.log(`  ${arm} beside ${values.against}: ${mean.toFixed(2)} % (${each})`)
    }
  }
}

await main()
