// Compiles training steps on a graphics card of ONNX Runtime's with the runtime's own log of where it puts each node, which
// goes to standard error behind the name of each graph. What the nodes read goes to standard output as one line of JSON.
// argv: the device; the folder of engines; the dialect that graphs are lowered to.
import { rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as ort from 'onnxruntime-node'
import { lowerGraph } from '#backends/onnx/lower.ts'
import { encodeModel } from '#backends/onnx/model-proto.ts'
import type { Dialect } from '#backends/onnx/node-writer.ts'
import { providerFacts } from '#backends/onnx/providers.ts'
import { sessionSettings } from '#backends/onnx/session.ts'
import { bindFrozen } from '#backends/weight-files.ts'
import { openBackend } from '#processes/open-backend.ts'
import { deviceFacts } from '#shared/devices.ts'
import { familyGraphs, type GivenGraph } from './families.ts'
import { wholeNodes } from './node-placement.ts'
import { type PlacedGraph, type PlacingDevice, providers } from './placements.ts'
import { newFolder } from './quantised-file.ts'
import { askedForms, type StoredStep, storeStep } from './stored-steps.ts'
import { tinyTrainings } from './tiny-training.ts'

const [device, enginesFolder, dialect] = process.argv.slice(2) as [PlacingDevice['device'], string, Dialect]

/** The device's own copy, with the libraries beside it: the backend has loaded both. */
async function openRuntime(): Promise<typeof ort> {
  await openBackend(device, { enginesFolder })
  const { engine } = deviceFacts[device]
  const beside = engine === null ? import.meta.url : join(enginesFolder, engine, 'engine.js')
  return createRequire(beside)('onnxruntime-node')
}

async function compile(
  runtime: typeof ort,
  { name, built, weights, stored = weights }: GivenGraph & Partial<Pick<StoredStep, 'stored'>>,
): Promise<PlacedGraph> {
  const provider = providers[device]
  const { held, files } = await bindFrozen(built.graph, stored)
  const { isHalfWidened } = providerFacts[provider]
  const lowered = lowerGraph(built.graph, stored, { dialect, embedded: held, isHalfWidened })
  process.stderr.write(`\ngraph ${name}\n`)
  const session = await runtime.InferenceSession.create(encodeModel(lowered), {
    ...sessionSettings(2, files[0]?.folder ?? null, provider),
    logSeverityLevel: 0,
  })
  await session.release()
  return { name, whole: wholeNodes(lowered) }
}

const runtime = await openRuntime()
const wanted = [
  ...tinyTrainings.slice(2, 5),
  ...familyGraphs.filter(({ name }) => /^(gemma2|bert|t5), training/.test(name)),
]
const graphs: PlacedGraph[] = []
for (const given of wanted) graphs.push(await compile(runtime, given))
for (const form of askedForms([])) {
  const folder = await newFolder()
  graphs.push(await compile(runtime, await storeStep(folder, form)))
  await rm(folder, { recursive: true })
}
process.stdout.write(JSON.stringify(graphs))
