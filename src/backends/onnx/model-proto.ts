// An ONNX model as plain values, and its bytes. Field numbers are those of the onnx.proto3 specification.
// Knows the file format only: no operator, no graph of ours.
import type { Dim } from '#engine/ir/types.ts'
import { ProtobufWriter } from '../protobuf.ts'

/** TensorProto.DataType */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
  uint4: 21,
} as const
export type ElementType = keyof typeof elementTypes

export type OnnxAttribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: OnnxConstant }
  | { readonly kind: 'graph'; readonly value: OnnxBody }

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
  /** A sequence of such tensors; their dims may then differ, so `dims` only tells how many there are. */
  readonly isSequence?: boolean
}

/** The body of a loop: reads what it was given and, by name, what lies around it. */
export interface OnnxBody {
  readonly nodes: readonly OnnxNode[]
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  /** Shapes of what lies between. */
  readonly between: readonly OnnxPort[]
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
  writePorts(graph, model)
}

function writePorts(graph: ProtobufWriter, { inputs, outputs, between }: OnnxBody): void {
  for (const port of inputs) graph.message(11, (inner) => writePort(inner, port))
  for (const port of outputs) graph.message(12, (inner) => writePort(inner, port))
  for (const port of between) graph.message(13, (inner) => writePort(inner, port))
}

function writeBody(graph: ProtobufWriter, body: OnnxBody): void {
  for (const node of body.nodes) graph.message(1, (inner) => writeNode(inner, node))
  graph.string(2, 'body')
  writePorts(graph, body)
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
    case 'graph':
      return writer.message(6, (inner) => writeBody(inner, attribute.value)).integer(20, 5)
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

/** TypeProto: a tensor in field 1, or in field 4 a sequence, whose elements' type is its field 1. */
function writePort(writer: ProtobufWriter, port: OnnxPort): void {
  writer.string(1, port.name).message(2, (type) => {
    if (port.isSequence)
      type.message(4, (sequence) => sequence.message(1, (element) => writeTensorType(element, port)))
    else writeTensorType(type, port)
  })
}

function writeTensorType(writer: ProtobufWriter, { elementType, dims, isSequence }: OnnxPort): void {
  const writeDim = (dim: Dim) => (inner: ProtobufWriter) => {
    if (isSequence) return
    if (typeof dim === 'number') inner.integer(1, dim)
    else inner.string(2, dim)
  }
  writer.message(1, (tensor) =>
    tensor.integer(1, elementTypes[elementType]).message(2, (shape) => {
      for (const dim of dims) shape.message(1, writeDim(dim))
    }),
  )
}
