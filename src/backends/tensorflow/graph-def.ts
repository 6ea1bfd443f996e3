// A TensorFlow graph as plain values, and its bytes as a SavedModel. Field numbers are those of TensorFlow's .proto files.
// Knows the file format only: no operator, no graph of ours.
import { ProtobufWriter } from '../protobuf.ts'

/** DataType */
export const dataTypes = {
  float32: 1,
  int32: 3,
  uint8: 4,
  int8: 6,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  float16: 19,
  resource: 20,
} as const
export type DataType = keyof typeof dataTypes

/** Little-endian, row-major. */
export interface TfConstant {
  readonly dataType: DataType
  readonly dims: readonly number[]
  readonly bytes: Uint8Array
}

export type TfAttribute =
  | { readonly kind: 'type'; readonly value: DataType }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'text'; readonly value: string }
  /** null is a shape of unknown rank; -1 an unknown size. */
  | { readonly kind: 'shape'; readonly value: readonly number[] | null }
  | { readonly kind: 'tensor'; readonly value: TfConstant }
  | { readonly kind: 'integers'; readonly value: readonly number[] }
  | { readonly kind: 'texts'; readonly value: readonly string[] }

export const type = (value: DataType): TfAttribute => ({ kind: 'type', value })
export const integer = (value: number): TfAttribute => ({ kind: 'integer', value })
export const boolean = (value: boolean): TfAttribute => ({ kind: 'boolean', value })
export const float = (value: number): TfAttribute => ({ kind: 'float', value })
export const floats = (value: readonly number[]): TfAttribute => ({ kind: 'floats', value })
export const text = (value: string): TfAttribute => ({ kind: 'text', value })
export const shape = (value: readonly number[] | null): TfAttribute => ({ kind: 'shape', value })
export const texts = (value: readonly string[]): TfAttribute => ({ kind: 'texts', value })
export const integers = (value: readonly number[]): TfAttribute => ({ kind: 'integers', value })

export interface TfNode {
  readonly name: string
  readonly operator: string
  /** 'node' or 'node:index of its result' */
  readonly inputs: readonly string[]
  /** Names of nodes that must have run before. */
  readonly controls: readonly string[]
  readonly attributes: Readonly<Record<string, TfAttribute>>
  /** Where it must run; null leaves that to the runtime. */
  readonly device: string | null
}

/** The version of TensorFlow 2.9's graphs: later ones read it, and every operator used here has its present meaning in it. */
const graphVersion = 1087
const savedModelVersion = 1
/** The one tag that the binding asks for. */
const servingTag = 'serve'

/** By this name the runtime knows the node that it runs once, when it loads the graph. */
const initialName = '__saved_model_init_op'

/** The contents of `saved_model.pb`; no other file belongs to it. `initial`: a node to be run once, at loading. */
export function encodeSavedModel(nodes: readonly TfNode[], initial: string | null = null): Uint8Array {
  return new ProtobufWriter()
    .integer(1, savedModelVersion)
    .message(2, (meta) => {
      meta
        .message(1, (information) => information.string(4, servingTag))
        .message(2, (graph) => writeGraph(graph, nodes))
      if (initial !== null) meta.message(5, (signature) => writeInitial(signature, initial))
    })
    .finish()
}

function writeInitial(entry: ProtobufWriter, node: string): void {
  entry
    .string(1, initialName)
    .message(2, (signature) =>
      signature.message(2, (output) =>
        output.string(1, initialName).message(2, (tensor) => tensor.string(1, node)),
      ),
    )
}

function writeGraph(graph: ProtobufWriter, nodes: readonly TfNode[]): void {
  for (const node of nodes) graph.message(1, (inner) => writeNode(inner, node))
  graph.message(4, (versions) => versions.integer(1, graphVersion))
}

function writeNode(writer: ProtobufWriter, node: TfNode): void {
  const { name, operator, inputs, controls, attributes, device } = node
  writer.string(1, name).string(2, operator)
  for (const input of inputs) writer.string(3, input)
  for (const control of controls) writer.string(3, `^${control}`)
  if (device !== null) writer.string(4, device)
  for (const [key, attribute] of Object.entries(attributes))
    writer.message(5, (entry) => entry.string(1, key).message(2, (value) => writeAttribute(value, attribute)))
}

function writeAttribute(writer: ProtobufWriter, attribute: TfAttribute): void {
  switch (attribute.kind) {
    case 'text':
      writer.string(2, attribute.value)
      return
    case 'integer':
      writer.integer(3, attribute.value)
      return
    case 'float':
      writer.float(4, attribute.value)
      return
    case 'floats':
      writer.message(1, (list) => {
        for (const each of attribute.value) list.float(4, each)
      })
      return
    case 'boolean':
      writer.integer(5, attribute.value ? 1 : 0)
      return
    case 'type':
      writer.integer(6, dataTypes[attribute.value])
      return
    case 'shape':
      writer.message(7, (shape) => writeShape(shape, attribute.value))
      return
    case 'texts':
      writer.message(1, (list) => {
        for (const each of attribute.value) list.string(2, each)
      })
      return
    case 'integers':
      writer.message(1, (list) => {
        for (const each of attribute.value) list.integer(3, each)
      })
      return
    case 'tensor':
      writer.message(8, (tensor) => writeTensor(tensor, attribute.value))
  }
}

function writeShape(writer: ProtobufWriter, dims: readonly number[] | null): void {
  if (dims === null) writer.integer(3, 1)
  else for (const size of dims) writer.message(2, (dim) => dim.integer(1, size))
}

function writeTensor(writer: ProtobufWriter, { dataType, dims, bytes }: TfConstant): void {
  writer.integer(1, dataTypes[dataType])
  writer.message(2, (shape) => writeShape(shape, dims)).bytes(4, bytes)
}
