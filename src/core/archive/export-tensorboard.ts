// Curves as TensorBoard's event files, a folder for each run: `tensorboard --logdir FOLDER` shows them.

import { scalarEvent, type TensorBoardValue, versionEvent } from '#formats/tensorboard.ts'
import type { CurvePoint } from '#journal/archive-rows.ts'
import { safeFolderName } from '../export/export-folder.ts'
import { type ExportWork, flatSettings, type ShownRun, shownRuns } from './export-work.ts'

const pieceRecords = 4000

export async function exportTensorBoard(work: ExportWork): Promise<void> {
  const { archive, write, signal, tell } = work
  const total = archive.count('runs', work.runIds)
  let done = 0
  for (const run of shownRuns(work)) {
    signal.throwIfAborted()
    const folder = `${safeFolderName(`${run.projectName} ${run.name}`)} ${run.id}`
    const seconds = Math.floor(run.createdAtMs / 1000)
    await write(
      `${folder}/events.out.tfevents.${seconds}.tunewright.0.v2`,
      pieces(records(run, archive.points(run.id)), () => signal.throwIfAborted()),
    )
    done += 1
    tell('Writing event files', done, total)
  }
  await write('README.md', readme)
}

function* records(run: ShownRun, points: Iterable<CurvePoint>): Generator<Uint8Array> {
  yield versionEvent(run.createdAtMs)
  yield scalarEvent(run.createdAtMs, 0, { tag: 'settings/text_summary', text: settingsTable(run) })
  for (const point of points)
    for (const value of valuesOf(point)) yield scalarEvent(point.atMs, point.step, value)
}

function valuesOf({ part, lossNats, learningRate, gradNorm }: CurvePoint): TensorBoardValue[] {
  if (part === 'validation') return [{ tag: 'loss/validation', scalar: lossNats }]
  return [
    { tag: 'loss/train', scalar: lossNats },
    { tag: 'learning_rate', scalar: learningRate ?? 0 },
    { tag: 'grad_norm', scalar: gradNorm ?? 0 },
  ]
}

/** As Markdown, which TensorBoard shows; foreign text in it is code. */
function settingsTable({ name, recipe, notes }: ShownRun): string {
  const cell = (text: string): string =>
    `\`${text.replaceAll('`', "'").replaceAll('|', '/').replace(/\s+/g, ' ')}\``
  return [
    ...['| setting | value |', '| --- | --- |', `| name | ${cell(name)} |`],
    ...flatSettings(recipe).map(([path, value]) => `| ${path} | ${cell(value.slice(0, 500))} |`),
    ...(notes === '' ? [] : [`| notes | ${cell(notes.slice(0, 2000))} |`]),
  ].join('\n')
}

function* pieces(all: Iterable<Uint8Array>, onPiece: () => void): Generator<Uint8Array> {
  let waiting: Uint8Array[] = []
  for (const record of all) {
    waiting.push(record)
    if (waiting.length < pieceRecords) continue
    onPiece()
    yield Buffer.concat(waiting)
    waiting = []
  }
  yield Buffer.concat(waiting)
}

const readme = `# A Tunewright journal for TensorBoard

A folder for each run. Show them with

    tensorboard --logdir .

Figures: \`loss/train\` and \`loss/validation\` (nats), \`learning_rate\`, \`grad_norm\`, by optimizer step; the settings of each run stand under Text. Where a step was computed again after an interruption, only the later one is here. TensorBoard keeps figures in float32; JSON lines and Parquet have them as they were measured.
`
