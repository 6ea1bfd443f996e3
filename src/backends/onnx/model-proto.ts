// An ONNX model as plain values, and its bytes. Field numbers are those of the onnx.proto3 specification.
// Knows the file format only: no operator, no graph of ours.
import type { Dim } from '#engine/ir/types.ts'
import { ProtobufWriter } from './protobuf.ts'

/** TensorProto.DataType */
export const elementTypes = { float32: 1, int64: 7, bool: 9, float16: 10, bfloat16: 16 } as const
export type ElementType = keyof typeof elementTypes

export type OnnxAttribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: OnnxConstant }

export interface OnnxNode {
  readonly operator: string
  /** '' is the standard's own; 'com.microsoft' holds ONNX Runtime's additions. */
  readonly domain: '' | 'com.microsoft'
  /** An absent optional input is ''. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, OnnxAttribute>>
}

/** Little-endian, row-major. */
export interface OnnxConstant {
  readonly elementType: ElementType
  readonly dims: readonly number[]
  readonly bytes: Uint8Array
}

/** An initializer whose bytes lie in a file beside the model. */
export interface OnnxExternal {
  readonly elementType: ElementType
  readonly dims: readonly number[]
  readonly file: string
  readonly offsetBytes: number
  readonly lengthBytes: number
}

export interface OnnxPort {
  readonly name: string
  readonly elementType: ElementType
  readonly dims: readonly Dim[]
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[]
  readonly constants: ReadonlyMap<string, OnnxConstant>
  readonly externals: ReadonlyMap<string, OnnxExternal>
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  /** Shapes of what lies between. */
  readonly between: readonly OnnxPort[]
}

/** IR version 10 belongs to operator set 21; both are read by every ONNX Runtime since 1.18. */
const irVersion = 10
const standardOperatorSet = 21
const microsoftOperatorSet = 1

export function encodeModel(model: OnnxModel): Uint8Array {
  return new ProtobufWriter()
    .integer(1, irVersion)
    .string(2, 'tunewright')
    .message(7, (graph) => writeGraph(graph, model))
    .message(8, (set) => set.string(1, '').integer(2, standardOperatorSet))
    .message(8, (set) => set.string(1, 'com.microsoft').integer(2, microsoftOperatorSet))
    .finish()
}

function writeGraph(graph: ProtobufWriter, model: OnnxModel): void {
  for (const node of model.nodes) graph.message(1, (inner) => writeNode(inner, node))
  graph.string(2, 'tunewright')
  for (const [name, constant] of model.constants)
    graph.message(5, (inner) => writeConstant(inner, constant, name))
  for (const [name, external] of model.externals)
    graph.message(5, (inner) => writeExternal(inner, external, name))
  for (const port of model.inputs) graph.message(11, (inner) => writePort(inner, port))
  for (const port of model.outputs) graph.message(12, (inner) => writePort(inner, port))
  for (const port of model.between) graph.message(13, (inner) => writePort(inner, port))
}

function writeNode(writer: ProtobufWriter, node: OnnxNode): void {
  for (const name of node.inputs) writer.string(1, name)
  for (const name of node.outputs) writer.string(2, name)
  writer.string(3, node.outputs[0] ?? '').string(4, node.operator)
  for (const [name, attribute] of Object.entries(node.attributes))
    writer.message(5, (inner) => writeAttribute(inner.string(1, name), attribute))
  if (node.domain !== '') writer.string(7, node.domain)
}

/** AttributeProto.AttributeType in field 20. */
function writeAttribute(writer: ProtobufWriter, attribute: OnnxAttribute): ProtobufWriter {
  switch (attribute.kind) {
    case 'float':
      return writer.float(2, attribute.value).integer(20, 1)
    case 'int':
      return writer.integer(3, attribute.value).integer(20, 2)
    case 'string':
      return writer.string(4, attribute.value).integer(20, 3)
    case 'tensor':
      return writer.message(5, (inner) => writeConstant(inner, attribute.value, '')).integer(20, 4)
    case 'ints':
      for (const value of attribute.value) writer.integer(8, value)
      return writer.integer(20, 7)
  }
}

interface TensorHead {
  readonly elementType: ElementType
  readonly dims: readonly number[]
}

function writeTensorHead(writer: ProtobufWriter, { elementType, dims }: TensorHead, name: string): void {
  for (const dim of dims) writer.integer(1, dim)
  writer.integer(2, elementTypes[elementType]).string(8, name)
}

function writeConstant(writer: ProtobufWriter, constant: OnnxConstant, name: string): void {
  writeTensorHead(writer, constant, name)
  writer.bytes(9, constant.bytes)
}

/** data_location 1 is EXTERNAL; offset and length are decimal text by the specification. */
function writeExternal(writer: ProtobufWriter, external: OnnxExternal, name: string): void {
  writeTensorHead(writer, external, name)
  const entries = {
    location: external.file,
    offset: String(external.offsetBytes),
    length: String(external.lengthBytes),
  }
  for (const [key, value] of Object.entries(entries))
    writer.message(13, (entry) => entry.string(1, key).string(2, value))
  writer.integer(14, 1)
}

function writePort(writer: ProtobufWriter, { name, elementType, dims }: OnnxPort): void {
  const writeDim = (dim: Dim) => (inner: ProtobufWriter) =>
    typeof dim === 'number' ? inner.integer(1, dim) : inner.string(2, dim)
  writer.string(1, name).message(2, (type) =>
    type.message(1, (tensor) =>
      tensor.integer(1, elementTypes[elementType]).message(2, (shape) => {
        for (const dim of dims) shape.message(1, writeDim(dim))
      }),
    ),
  )
}
