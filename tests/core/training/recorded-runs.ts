// The runs that record-runs.ts records. Each differs from its neighbours in what decides its curve: learning rate, rows,
// epochs, labels that mean nothing, clipping.
export interface RecordedRun {
  readonly name: string
  readonly model: keyof typeof usual
  readonly source: 'tiny messages' | 'bike shop'
  readonly rows: number
  readonly shuffled: boolean
  readonly settings: Readonly<Record<string, unknown>>
  /** Undefined is a recipe's own. */
  readonly validationShare: number | undefined
  /** Its events are kept with their times too. */
  readonly timed: boolean
  /** From this step on it gives up its right of way to other programs (record-runs.ts), for so long. */
  readonly disturbed: { readonly fromStep: number; readonly forMs: number } | null
}

const usual = {
  tiny: { source: 'tiny messages', rows: 200, epochs: 4, microRows: 8, maxTokens: 200, layers: {} },
  smollm2: {
    source: 'bike shop',
    rows: 80,
    epochs: 2,
    microRows: 2,
    maxTokens: 128,
    layers: { topLayers: 4 },
  },
} as const

const usualOfBoth = {
  shuffled: false,
  timed: false,
  validationShare: undefined,
  disturbed: null,
  patience: 3,
  clipNorm: 1,
  schedule: 'cosine',
  warmupShare: 0.05,
  everySteps: null,
  maxSteps: null,
  alpha: 16,
  checkpoints: {},
}

/** What a run may be told to do in another way than usual. */
interface Wishes extends Partial<Omit<RecordedRun, 'name' | 'model' | 'source' | 'settings'>> {
  readonly rate: number
  readonly epochs?: number
  readonly patience?: number | null
  readonly clipNorm?: number | null
  readonly microRows?: number
  readonly schedule?: 'cosine' | 'linear' | 'constant'
  readonly warmupShare?: number
  readonly everySteps?: number | null
  readonly maxSteps?: number | null
  readonly alpha?: number
  readonly checkpoints?: object
}

function recordedRun(model: RecordedRun['model'], name: string, wishes: Wishes): RecordedRun {
  const run = { ...usualOfBoth, ...usual[model], ...wishes }
  const { source, rows, shuffled, timed, validationShare, disturbed } = run
  return {
    name: `${model}-${name}`,
    model,
    source,
    rows,
    shuffled,
    timed,
    validationShare,
    disturbed,
    settings: {
      optimizer: { learningRate: run.rate, clipNorm: run.clipNorm },
      schedule: { kind: run.schedule, warmupShare: run.warmupShare },
      evaluation: { patience: run.patience, everySteps: run.everySteps },
      method: { kind: 'lora', rank: 8, alpha: run.alpha, ...run.layers },
      batch: { microRows: run.microRows, maxTokens: run.maxTokens },
      duration: { epochs: run.epochs, maxSteps: run.maxSteps },
      threads: 1,
      checkpoints: run.checkpoints,
    },
  }
}

const tiny = (name: string, wishes: Wishes) => recordedRun('tiny', name, wishes)
const smol = (name: string, wishes: Wishes) => recordedRun('smollm2', name, wishes)

export const recordedRuns: readonly RecordedRun[] = [
  tiny('rate-1e-6', { rate: 1e-6 }),
  tiny('rate-1e-5', { rate: 1e-5 }),
  tiny('rate-1e-4', { rate: 1e-4 }),
  tiny('rate-3e-4', { rate: 3e-4 }),
  tiny('rate-1e-3', { rate: 1e-3 }),
  tiny('rate-3e-3', { rate: 3e-3 }),
  tiny('rate-1e-2', { rate: 1e-2 }),
  tiny('rate-3e-2', { rate: 3e-2 }),
  tiny('rate-1e-1', { rate: 1e-1, patience: null }),
  tiny('rate-3e-1', { rate: 3e-1, patience: null }),
  tiny('rate-1', { rate: 1, patience: null, clipNorm: null }),
  tiny('long-3e-3', { rate: 3e-3, epochs: 20 }),
  tiny('long-1e-2', { rate: 1e-2, epochs: 20 }),
  tiny('long-1e-2-no-patience', { rate: 1e-2, epochs: 20, patience: null }),
  tiny('long-3e-2-no-patience', { rate: 3e-2, epochs: 15, patience: null }),
  tiny('long-1e-4', { rate: 1e-4, epochs: 15 }),
  tiny('long-3e-5', { rate: 3e-5, epochs: 15 }),
  tiny('shuffled-1e-2', { rate: 1e-2, rows: 80, epochs: 40, shuffled: true, patience: null }),
  tiny('shuffled-3e-3', { rate: 3e-3, rows: 80, epochs: 40, shuffled: true, patience: null }),
  tiny('shuffled-1e-2-patience', { rate: 1e-2, rows: 80, epochs: 40, shuffled: true }),
  tiny('shuffled-3e-2', { rate: 3e-2, rows: 60, epochs: 40, shuffled: true, patience: null }),
  tiny('few-rows-1e-2', { rate: 1e-2, rows: 40, epochs: 40, patience: null }),
  tiny('few-rows-3e-2', { rate: 3e-2, rows: 40, epochs: 40, patience: null }),
  tiny('few-rows-3e-3', { rate: 3e-3, rows: 40, epochs: 30 }),
  tiny('one-row-1e-2', { rate: 1e-2, rows: 100, epochs: 3, microRows: 1 }),
  tiny('one-row-1e-1', { rate: 1e-1, rows: 100, epochs: 3, microRows: 1, patience: null }),
  tiny('one-row-3e-1', { rate: 3e-1, rows: 100, epochs: 3, microRows: 1, patience: null, clipNorm: null }),
  tiny('constant-1e-2', { rate: 1e-2, epochs: 10, schedule: 'constant', warmupShare: 0 }),
  tiny('constant-5e-2', { rate: 5e-2, epochs: 10, schedule: 'constant', warmupShare: 0, patience: null }),
  tiny('constant-1e-1', { rate: 1e-1, epochs: 10, schedule: 'constant', warmupShare: 0, patience: null }),
  tiny('short', { rate: 1e-2, rows: 60, epochs: 1 }),
  tiny('no-validation', { rate: 1e-2, epochs: 6, validationShare: 0 }),
  tiny('cut-early-3e-3', { rate: 3e-3, epochs: 20, maxSteps: 30 }),
  tiny('cut-early-1e-2', { rate: 1e-2, epochs: 20, maxSteps: 12 }),
  tiny('many-evaluations', { rate: 1e-2, epochs: 10, everySteps: 4, patience: null }),
  tiny('large-1e-2', { rate: 1e-2, rows: 600, epochs: 6, patience: null }),
  tiny('restless-2e-2', {
    rate: 2e-2,
    epochs: 8,
    microRows: 2,
    schedule: 'constant',
    clipNorm: null,
    patience: null,
  }),
  tiny('restless-3e-2', {
    rate: 3e-2,
    epochs: 6,
    microRows: 4,
    schedule: 'constant',
    clipNorm: null,
    patience: null,
  }),
  tiny('overflow', { rate: 1, epochs: 3, clipNorm: null, patience: null, alpha: 1e18 }),
  tiny('restless-4e-2', { rate: 4e-2, epochs: 10, patience: null }),
  tiny('held-5e-6', { rate: 5e-6, rows: 150 }),
  tiny('held-2e-4', { rate: 2e-4, rows: 150, epochs: 6, schedule: 'linear' }),
  tiny('held-2e-3', { rate: 2e-3, rows: 150, epochs: 5 }),
  tiny('held-2e-2', { rate: 2e-2, rows: 300, epochs: 8, patience: null }),
  tiny('held-2e-1', { rate: 2e-1, rows: 150, epochs: 6, patience: null }),
  tiny('held-shuffled-5e-3', { rate: 5e-3, rows: 60, epochs: 50, shuffled: true, patience: null }),
  tiny('held-shuffled-2e-2', { rate: 2e-2, rows: 60, epochs: 40, shuffled: true, patience: null }),
  tiny('held-constant-6e-2', { rate: 6e-2, rows: 150, epochs: 8, schedule: 'constant', patience: null }),
  tiny('held-no-validation', { rate: 2e-2, rows: 150, epochs: 12, validationShare: 0 }),
  tiny('fresh-7e-6', { rate: 7e-6, rows: 250, epochs: 3 }),
  tiny('fresh-4e-4', { rate: 4e-4, rows: 250, epochs: 3, schedule: 'linear' }),
  tiny('fresh-4e-3', { rate: 4e-3, rows: 300, epochs: 14, patience: null }),
  tiny('fresh-15e-3', { rate: 1.5e-2, rows: 250, epochs: 3 }),
  tiny('fresh-7e-2', { rate: 7e-2, rows: 250, epochs: 6, patience: null, microRows: 4 }),
  tiny('fresh-5e-1', { rate: 5e-1, rows: 250, epochs: 4, patience: null, schedule: 'constant' }),
  tiny('fresh-shuffled-7e-3', { rate: 7e-3, rows: 70, epochs: 50, shuffled: true, patience: null }),
  tiny('fresh-one-row-2e-2', { rate: 2e-2, rows: 120, epochs: 4, microRows: 1, patience: null }),
  tiny('timed', { rate: 5e-3, rows: 800, microRows: 16, epochs: 10, patience: null, timed: true }),
  tiny('timed-checkpoints', {
    rate: 3e-3,
    rows: 600,
    microRows: 16,
    epochs: 10,
    everySteps: 7,
    patience: null,
    timed: true,
    checkpoints: { everySteps: 10, everySeconds: null },
  }),
  tiny('timed-early', { rate: 2e-2, rows: 400, microRows: 8, epochs: 40, timed: true }),
  tiny('timed-no-validation', {
    rate: 5e-3,
    rows: 800,
    microRows: 32,
    epochs: 12,
    timed: true,
    validationShare: 0,
  }),
  tiny('timed-two-batches', {
    rate: 5e-3,
    rows: 900,
    microRows: 24,
    epochs: 12,
    patience: null,
    timed: true,
    checkpoints: { everySteps: null, everySeconds: 2 },
  }),
  smol('rate-1e-6', { rate: 1e-6 }),
  smol('rate-2e-5', { rate: 2e-5 }),
  smol('rate-2e-4', { rate: 2e-4, timed: true }),
  smol('rate-1e-3', { rate: 1e-3, timed: true }),
  smol('rate-1e-2', { rate: 1e-2, patience: null }),
  smol('rate-1e-1', { rate: 1e-1, patience: null }),
  smol('shuffled-1e-3', { rate: 1e-3, rows: 40, epochs: 8, shuffled: true, patience: null, timed: true }),
  smol('few-rows-1e-3', { rate: 1e-3, rows: 30, epochs: 10, everySteps: 5, timed: true }),
  smol('long-5e-4', {
    rate: 5e-4,
    rows: 100,
    epochs: 3,
    patience: null,
    timed: true,
    checkpoints: { everySteps: null, everySeconds: 15 },
  }),
  // The runs above are from before sample answers were written at each measurement.
  tiny('samples', { rate: 5e-3, rows: 1200, microRows: 24, epochs: 10, patience: null, timed: true }),
  smol('samples', { rate: 5e-4, rows: 60, epochs: 3, patience: null, timed: true }),
  smol('disturbed', {
    rate: 5e-4,
    rows: 80,
    epochs: 3,
    patience: null,
    timed: true,
    disturbed: { fromStep: 25, forMs: 20_000 },
  }),
]
